package load

import (
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func closeFD(fd int) { _ = syscall.Close(fd) }

// feedFrom reads until l has an error.
func feedFrom(fd int, l layer) error {
	buffer := make([]byte, 100)
	for {
		n, err := syscall.Read(fd, buffer)
		if err == nil {
			err = l.feed(buffer[:n])
		}
		if err != nil {
			return err
		}
	}
}
