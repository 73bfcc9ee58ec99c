package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var (
	snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)
	logCall   = regexp.MustCompile(`^((Debug|Info|Warn|Error)(Context)?|Log)$`)
)

// The names of what log lines carry are in snake case, and an error is "err" everywhere.
func TestLogKeys(t *testing.T) {
	keys := make(map[string]string) // with where they are
	walkServer(t, func(files *token.FileSet, n ast.Node) {
		for _, key := range logKeysOf(n) {
			keys[key] = files.Position(n.Pos()).String()
		}
	})
	for _, known := range []string{"peer", "room", "err", "took"} {
		if keys[known] == "" {
			t.Errorf("no line has the key %q: the test does not find what it looks for", known)
		}
	}
	for key, position := range keys {
		if !snakeCase.MatchString(key) || key == "error" {
			t.Errorf("%s: the key %q of a log line must be in snake case, and not error", position, key)
		}
	}
}

// walkServer visits the syntax of the server's code, without its tests.
func walkServer(t *testing.T, visit func(*token.FileSet, ast.Node)) {
	t.Helper()
	harmless := []string{"e2e", "conformance", "storetest", "testdata", "testenv"}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(harmless, d.Name()):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files := token.NewFileSet()
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			visit(files, n)
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// logKeysOf returns the keys that a node of a syntax tree writes into log lines.
func logKeysOf(n ast.Node) []string {
	switch n := n.(type) {
	case *ast.CallExpr:
		switch f := n.Fun.(type) {
		case *ast.SelectorExpr:
			if x, ok := f.X.(*ast.Ident); ok && x.Name == "slog" && len(n.Args) == 2 {
				return literals(n.Args[:1])
			}
			message := slices.IndexFunc(n.Args, isText)
			if logCall.MatchString(f.Sel.Name) && message >= 0 {
				return literals(n.Args[message+1:])
			}
		case *ast.Ident: // append(args, key, value)
			if f.Name == "append" && len(n.Args) >= 3 && strings.HasSuffix(lastName(n.Args[0]), "args") {
				return literals(n.Args[1:])
			}
		}
	case *ast.CompositeLit:
		if array, ok := n.Type.(*ast.ArrayType); ok && lastName(array.Elt) == "any" {
			return literals(n.Elts)
		}
	}
	return nil
}

// isText reports whether an expression is a text, or one that begins or ends with one.
func isText(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return e.Kind == token.STRING
	case *ast.BinaryExpr:
		return isText(e.X) || isText(e.Y)
	}
	return false
}

// literals returns the texts among the keys of a list of keys and values.
func literals(list []ast.Expr) []string {
	var keys []string
	for i := 0; i < len(list); i += 2 {
		if literal, ok := list[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
			key, _ := strconv.Unquote(literal.Value)
			keys = append(keys, key)
		}
	}
	return keys
}

// lastName returns the last name of an expression.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}
