package hub

// OpenRooms returns how many rooms have listeners.
func (h *Hub) OpenRooms() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rooms)
}

// Hidden returns how many deleted messages are hidden from the readers of a room.
func (h *Hub) Hidden(room string) int {
	hidden := h.openRoom(room).deletions.targets.Load()
	if hidden == nil {
		return 0
	}
	return len(*hidden)
}

// NamesInUse returns how many members have a name in a room.
func (h *Hub) NamesInUse() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := len(h.present)
	for _, p := range h.presences {
		n += len(p.names.byID)
	}
	return n
}
