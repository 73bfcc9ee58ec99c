package load

// A layer takes bytes as they come, in pieces of any size.
type layer interface{ feed(p []byte) error }

// assembler makes whole units of pieces: it keeps what is left over for the
// next piece. Mostly nothing is, and nothing is copied.
type assembler struct {
	// consume takes whole units from the front of p and returns how many bytes
	// they were.
	consume func(p []byte) (int, error)
	rest    []byte
}

func (a *assembler) feed(p []byte) error {
	if len(a.rest) > 0 {
		a.rest = append(a.rest, p...)
		p = a.rest
	}
	n, err := a.consume(p)
	if err != nil {
		return err
	}
	a.rest = append(a.rest[:0], p[n:]...)
	return nil
}
