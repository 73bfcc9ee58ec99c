package directory

import (
	"context"
	"errors"
	"fmt"

	"chatroom/server/internal/chat"
)

// Creator returns the id of the member who has made a room, empty if that is not stored.
func (d *Directory) Creator(ctx context.Context, room string) (string, error) {
	if err := d.loadProfiles(ctx); err != nil {
		return "", err
	}
	p := &d.profiles
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.creators[room], nil
}

// SetCreator stores the id of the member who makes a room, unless one is stored already.
func (d *Directory) SetCreator(ctx context.Context, room, member string) error {
	if err := d.loadProfiles(ctx); err != nil {
		return err
	}
	key := creatorKey(room)
	_, err := d.profiles.state.Put(ctx, key, []byte(member), 0)
	if errors.Is(err, chat.ErrRevision) {
		var record chat.Record
		record, err = d.profiles.state.Get(ctx, key)
		member = string(record.Value)
	}
	if err != nil {
		return fmt.Errorf("store the creator of room %q: %w", room, err)
	}
	d.profiles.applyCreator(room, member)
	return nil
}

func (p *profiles) applyCreator(room, member string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.creators == nil {
		p.creators = make(map[string]string)
	}
	if member != "" {
		p.creators[room] = member
	}
}
