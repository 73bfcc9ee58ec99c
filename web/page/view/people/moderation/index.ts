// The dialogs of moderators. They are loaded when they are first shown.

export { DenyMember } from "./deny-member";
export { ModerationLog } from "./moderation-log";
