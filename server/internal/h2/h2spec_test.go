package h2

import (
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// h2specExceptions are cases of h2spec that fail for a reason, by transport.
var h2specExceptions = map[string]map[string]string{
	"h2c": {"http2/3.5: Sends invalid connection preface": "the port speaks HTTP/1.1, too, and answers 400 to what is neither"},
}

// TestH2spec runs the conformance suite h2spec over cleartext and TLS. It builds
// the suite, so it runs only where everything must.
func TestH2spec(t *testing.T) {
	if os.Getenv("CHATROOM_TEST_REQUIRE") == "" {
		t.Skip("h2spec is built and run only with CHATROOM_TEST_REQUIRE=1")
	}
	program, err := exec.Command("go", "tool", "-modfile=../../../tools/go.mod", "-n", "h2spec").Output()
	if err != nil {
		t.Fatalf("building h2spec: %v", err)
	}
	s := &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, strings.Repeat("a", 100))
	})}
	f := serve(t, s)
	secure := serveTLS(t, s)
	for name, args := range map[string][]string{"h2c": {f.addr}, "tls": {secure.addr, "--tls", "--insecure"}} {
		t.Run(name, func(t *testing.T) {
			host, port, err := net.SplitHostPort(args[0])
			if err != nil {
				t.Fatal(err)
			}
			report := filepath.Join(t.TempDir(), "report.xml")
			args := append([]string{"--strict", "--timeout", "5", "--host", host, "--port", port, "--junit-report", report}, args[1:]...)
			out, err := exec.Command(strings.TrimSpace(string(program)), args...).CombinedOutput()
			checkReport(t, report, h2specExceptions[name])
			if t.Failed() {
				t.Logf("h2spec = %v\n%s", err, out)
			}
		})
	}
}

// checkReport fails the test for each case that failed and is no exception.
func checkReport(t *testing.T, path string, exceptions map[string]string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("no report of h2spec: %v", err)
	}
	var report struct {
		Suites []struct {
			Package string `xml:"package,attr"`
			Cases   []struct {
				Name    string    `xml:"classname,attr"`
				Failure *struct{} `xml:"failure"`
				Error   *struct{} `xml:"error"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	if err := xml.Unmarshal(data, &report); err != nil {
		t.Fatalf("report of h2spec: %v", err)
	}
	n := 0
	for _, suite := range report.Suites {
		for _, c := range suite.Cases {
			n++
			name := suite.Package + ": " + c.Name
			if _, known := exceptions[name]; !known && (c.Failure != nil || c.Error != nil) {
				t.Errorf("h2spec %s failed", name)
			}
		}
	}
	if n < 140 {
		t.Errorf("h2spec ran %d cases, want all", n)
	}
	t.Logf("h2spec ran %d cases", n)
}
