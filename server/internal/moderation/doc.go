// Package moderation stores the bans and mutes of rooms, and what moderators have done.
//
// A ban or a mute is a record of chat.State: it survives a restart, and all nodes on the
// same store have it in their policy.Denials as soon as the store reports it. Every act is
// stored before it takes effect, so that there is none without a record; an act that fails
// afterwards leaves a record of the attempt.
package moderation
