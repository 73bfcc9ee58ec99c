package cli

import (
	"errors"
	"flag"
	"strings"
	"testing"
	"time"
)

func noEnvironment(string) string { return "" }

// What a run does follows from the flags, and from which of input and output are terminals.
func TestMode(t *testing.T) {
	for _, tt := range []struct {
		args          string
		input, output bool // are terminals
		want          mode
	}{
		{"", true, true, mode{screen: true}},
		{"-room games -name ada", true, true, mode{screen: true}},
		{"", true, false, mode{print: true, follow: true}},
		{"-json", true, true, mode{print: true, follow: true}},
		{"-history 5", true, true, mode{print: true, follow: true}},
		{"-history 5 -follow=false", true, false, mode{print: true}},
		{"", false, true, mode{send: true}},
		{"", false, false, mode{send: true}},
		{"-follow=false", false, false, mode{send: true}},
		{"-follow", false, false, mode{send: true, print: true, follow: true}},
		{"-follow -history 5 -json", false, true, mode{send: true, print: true, follow: true}},
		{"-history 5", false, false, mode{print: true}},
		{"-since cursor", false, true, mode{print: true}},
	} {
		o, err := parse(strings.Fields(tt.args), noEnvironment, &strings.Builder{})
		if err != nil {
			t.Errorf("parse(%q) = %v, want nil", tt.args, err)
			continue
		}
		if got := o.mode(tt.input, tt.output); got != tt.want {
			t.Errorf("%q with terminals %t and %t: %+v, want %+v", tt.args, tt.input, tt.output, got, tt.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	environment := map[string]string{
		"CHATROOM_SERVER": "https://chat.example", "CHATROOM_ROOM": "games", "CHATROOM_NAME": "ada", "CHATROOM_TOKEN": "secret", "USER": "u",
	}
	var help strings.Builder
	o, err := parse(nil, func(name string) string { return environment[name] }, &help)
	if err != nil || o.server != "https://chat.example" || o.room != "games" || o.name != "ada" || o.token != "secret" || o.timeout != 30*time.Second {
		t.Errorf("options = %+v, %v, want those of the environment", o, err)
	}
	o, err = parse([]string{"-room", "lobby", "-token", "other"}, func(name string) string { return environment[name] }, &help)
	if err != nil || o.room != "lobby" || o.token != "other" {
		t.Errorf("options = %+v, %v, want those of the flags", o, err)
	}
	if _, err = parse([]string{"-h"}, func(name string) string { return environment[name] }, &help); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v, want ErrHelp", err)
	}
	if strings.Contains(help.String(), "secret") {
		t.Errorf("-h prints the token:\n%s", help.String())
	}
}

func TestInvalidFlags(t *testing.T) {
	for _, args := range []string{"-history 1001", "-history -1", "-timeout -1s", "word", "-nonsense"} {
		var output strings.Builder
		if _, err := parse(strings.Fields(args), noEnvironment, &output); err == nil || output.Len() == 0 {
			t.Errorf("parse(%q) = %v, and prints %q, want an error in both", args, err, output.String())
		}
	}
}
