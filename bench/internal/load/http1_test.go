package load

import (
	"bufio"
	"strings"
	"testing"
)

func TestReadHead(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-LENGTH:  2\r\n\r\n{}"
	r := bufio.NewReader(strings.NewReader(ok + "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"))
	status, length, err := readHead(r)
	if status != "200" || length != 2 || err != nil {
		t.Errorf("readHead = %q, %d, %v, want 200, 2", status, length, err)
	}
	if rest, _ := r.Peek(2); string(rest) != "{}" {
		t.Errorf("the body begins with %q, want {}", rest)
	}
	_, _ = r.Discard(2)
	if status, length, err = readHead(r); status != "404" || length != 0 || err != nil {
		t.Errorf("readHead = %q, %d, %v, want 404, 0", status, length, err)
	}
	for _, bad := range []string{
		"", "HTTP/1.1 200 OK\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		if _, _, err := readHead(bufio.NewReader(strings.NewReader(bad))); err == nil {
			t.Errorf("readHead(%q) succeeds", bad)
		}
	}
}
