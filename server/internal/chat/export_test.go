package chat

// OpenRooms returns how many rooms somebody listens to.
func (s *Service) OpenRooms() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.rooms)
}
