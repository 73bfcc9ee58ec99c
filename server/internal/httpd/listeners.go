package httpd

import "net"

// Listeners are open TCP ports. Connections to them wait until a Server serves.
type Listeners []net.Listener

// Listen opens TCP addresses, such as ":8080": all of them, or none.
func Listen(addresses []string) (Listeners, error) {
	var open Listeners
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			open.Close()
			return nil, err
		}
		open = append(open, l)
	}
	return open, nil
}

// Addresses returns where the listeners are, with the ports that they were given.
func (l Listeners) Addresses() []string {
	addresses := make([]string, len(l))
	for i, one := range l {
		addresses[i] = one.Addr().String()
	}
	return addresses
}

// Close closes the listeners. It may be called more than once.
func (l Listeners) Close() {
	for _, one := range l {
		_ = one.Close()
	}
}
