package chat

// OpenRooms returns how many rooms have listeners.
func (s *Service) OpenRooms() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rooms)
}

// Hidden returns how many deleted messages are hidden from the readers of a room.
func (s *Service) Hidden(room string) int {
	hidden := s.openRoom(room).deletions.targets.Load()
	if hidden == nil {
		return 0
	}
	return len(*hidden)
}
