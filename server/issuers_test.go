package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/identity"
)

const testSecret = "0123456789abcdef0123456789abcdef"

// writeIssuers writes a file of issuers, and a secret beside it.
func writeIssuers(t *testing.T, text string) (path string) {
	t.Helper()
	dir := t.TempDir()
	for name, data := range map[string]string{"issuers.json": text, "shop.secret": testSecret + "\n", "empty": "\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "issuers.json")
}

func TestReadIssuers(t *testing.T) {
	path := writeIssuers(t, `[
		{"iss": "https://shop.example", "aud": "chat", "secret_file": "shop.secret", "prefix": "shop:"},
		{"iss": "https://staff.example", "aud": ["chat", "desk"], "secret_env": "STAFF_SECRET", "prefix": "staff:", "skew": "0s"},
		{"iss": "https://login.example", "aud": "chat", "discovery": true, "prefix": "login:", "skew": "1m"},
		{"iss": "partner", "aud": "chat", "jwks": "https://partner.example/keys", "prefix": "partner:"}
	]`)
	getenv := func(name string) string { return map[string]string{"STAFF_SECRET": testSecret}[name] }
	want := []identity.IssuerConfig{
		{Name: "https://shop.example", Audience: []string{"chat"}, Secret: []byte(testSecret), Prefix: "shop:"},
		{Name: "https://staff.example", Audience: []string{"chat", "desk"}, Secret: []byte(testSecret), Prefix: "staff:", Skew: -1},
		{Name: "https://login.example", Audience: []string{"chat"}, Discovery: true, Prefix: "login:", Skew: time.Minute},
		{Name: "partner", Audience: []string{"chat"}, Keys: "https://partner.example/keys", Prefix: "partner:"},
	}
	got, err := readIssuers(path, getenv)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("readIssuers = %+v, %v, want %+v", got, err, want)
	}
	issuers, err := identity.NewIssuers(got...)
	if err != nil {
		t.Fatalf("NewIssuers = %v, want nil", err)
	}
	issuers.Close()
	c, err := parse([]string{"-issuers", path}, getenv, os.Stderr)
	if err != nil || !reflect.DeepEqual(c.Issuers, want) {
		t.Errorf("parse with -issuers = %+v, %v, want the same issuers", c, err)
	}
}

// What is wrong with the file is refused at the start, and no error contains a secret.
func TestReadIssuersRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"no array":          {`{"iss": "a"}`, "must be a JSON array"},
		"unknown field":     {`[{"iss": "a", "secret": "` + testSecret + `"}]`, `the field "secret" is not known: must be one of iss, aud, secret_file`},
		"a comma too many":  {"[\n{\"iss\": \"a\"},\n]", "issuers.json:3: must be JSON: invalid character"},
		"a number as skew":  {"[\n{\"iss\": \"a\",\n\"skew\": 30}]", "issuers.json:3: skew must not be a number"},
		"a cut-off file":    {`[{"iss": "a"`, "issuers.json: must be a JSON array"},
		"something follows": {`[] []`, "something follows"},
		"missing file":      {`[{"iss": "a", "secret_file": "none"}]`, "secret_file"},
		"empty file":        {`[{"iss": "a", "secret_file": "empty"}]`, "is empty"},
		"missing variable":  {`[{"iss": "a", "secret_env": "NONE"}]`, "NONE is not set"},
		"two secrets":       {`[{"iss": "a", "secret_env": "NONE", "secret_file": "shop.secret"}]`, "must not have both"},
		"skew":              {`[{"iss": "a", "secret_file": "shop.secret", "skew": "soon"}]`, `skew "soon"`},
		"negative skew":     {`[{"iss": "a", "secret_file": "shop.secret", "skew": "-1s"}]`, `skew "-1s"`},
	} {
		t.Run(name, func(t *testing.T) {
			path := writeIssuers(t, tt.text)
			_, err := parse([]string{"-issuers", path}, func(string) string { return "" }, os.Stderr)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "-issuers: ") {
				t.Fatalf("parse = %v, want an error of -issuers with %q", err, tt.want)
			}
			if strings.Contains(err.Error(), testSecret) {
				t.Errorf("parse = %v, which contains the secret", err)
			}
		})
	}
}
