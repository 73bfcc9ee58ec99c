package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chatroom/server/internal/identity"
)

// issuerEntry is an issuer in the file of -issuers.
type issuerEntry struct {
	Name       string     `json:"iss"`
	Audience   stringList `json:"aud"`
	SecretFile string     `json:"secret_file"` // relative to the file
	SecretEnv  string     `json:"secret_env"`
	Keys       string     `json:"jwks"`
	Discovery  bool       `json:"discovery"`
	Prefix     string     `json:"prefix"`
	Skew       string     `json:"skew"` // "1m"; "0s" for none
}

// stringList is a string or a list of them, as the aud claim is.
type stringList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *stringList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = stringList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// readIssuers returns the issuers in a file, with their secrets. What is wrong with one is
// an error that names it, and no secret.
func readIssuers(path string, getenv func(string) string) ([]identity.IssuerConfig, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []issuerEntry
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&entries); err != nil {
		return nil, issuersError(path, data, err)
	}
	if decoder.More() {
		return nil, fmt.Errorf("%s must be one JSON array of issuers: something follows it", path)
	}
	configs := make([]identity.IssuerConfig, len(entries))
	for n, entry := range entries {
		if configs[n], err = entry.config(filepath.Dir(path), getenv); err != nil {
			return nil, fmt.Errorf("%s: issuer %q: %w", path, entry.Name, err)
		}
	}
	return configs, nil
}

// issuersError is the error for a file that can't be decoded.
func issuersError(path string, data []byte, err error) error {
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(data[:min(int(wrong.Offset), len(data))], []byte("\n"))
		return fmt.Errorf("%s:%d: must be JSON: %w", path, line, err)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		line := 1 + bytes.Count(data[:min(int(wrong.Offset), len(data))], []byte("\n"))
		return fmt.Errorf("%s:%d: %s must not be a %s: see docs/TRUST.md", path, line, wrong.Field, wrong.Value)
	}
	if field, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return fmt.Errorf("%s: the field %s is not known: must be one of iss, aud, secret_file, secret_env, jwks, discovery, prefix, skew", path, field)
	}
	return fmt.Errorf("%s: must be a JSON array of issuers, such as [{\"iss\": \"https://shop.example\", …}]", path)
}

func (e *issuerEntry) config(dir string, getenv func(string) string) (identity.IssuerConfig, error) {
	c := identity.IssuerConfig{Name: e.Name, Audience: e.Audience, Keys: e.Keys, Discovery: e.Discovery, Prefix: e.Prefix}
	var err error
	if c.Secret, err = e.secret(dir, getenv); err != nil {
		return c, err
	}
	if e.Skew != "" {
		if c.Skew, err = time.ParseDuration(e.Skew); err != nil || c.Skew < 0 {
			return c, fmt.Errorf("skew %.40q must be a duration such as 30s", e.Skew)
		}
		if c.Skew == 0 {
			c.Skew = -1 // none
		}
	}
	return c, nil
}

// secret returns the bytes of the file or of the variable, without white space around
// them: editors end files with a line break.
func (e *issuerEntry) secret(dir string, getenv func(string) string) ([]byte, error) {
	switch {
	case e.SecretFile != "" && e.SecretEnv != "":
		return nil, errors.New("must not have both secret_file and secret_env")
	case e.SecretEnv != "":
		secret := bytes.TrimSpace([]byte(getenv(e.SecretEnv)))
		if len(secret) == 0 {
			return nil, fmt.Errorf("secret_env: the environment variable %s is not set", e.SecretEnv)
		}
		return secret, nil
	case e.SecretFile != "":
		path := e.SecretFile
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		secret := bytes.TrimSpace(data)
		if len(secret) == 0 {
			return nil, fmt.Errorf("secret_file: %s is empty", path)
		}
		return secret, nil
	}
	return nil, nil
}
