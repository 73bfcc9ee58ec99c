package main

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// webLayer says which folders of the page's source a folder may import from, beside
// itself and packages of npm.
type webLayer struct {
	folder string // in web; and those below it
	may    []string
	reason string
}

var webLayers = []webLayer{
	{"client", nil, "the client library is for any page to use: it must not bring this one along"},
	{"react", []string{"client"}, "the hooks are part of the package of the client: the page must not come along"},
	{"page", []string{"client"}, "the page uses the client library as any other page would"},
}

// importPattern matches what a module is imported or re-exported from, statically or
// not.
var importPattern = regexp.MustCompile(`(?m)(?:^\s*(?:import|export)\b[^'";]*?\bfrom\s*|^\s*import\s*|\bimport\(\s*)["']([^"']+)["']`)

func TestWebLayers(t *testing.T) {
	web := filepath.Join("..", "web")
	for _, l := range webLayers {
		files := 0
		err := filepath.WalkDir(filepath.Join(web, l.folder), func(file string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !slices.Contains([]string{".ts", ".tsx"}, filepath.Ext(file)) {
				return err
			}
			files++
			source, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			name, err := filepath.Rel(web, file)
			for _, imported := range forbiddenInWeb(l, filepath.ToSlash(name), string(source)) {
				t.Errorf("web/%s imports %s: %s", filepath.ToSlash(name), imported, l.reason)
			}
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			t.Skipf("there is no folder web/%s", l.folder)
		}
		if err != nil || files == 0 {
			t.Errorf("%d files were read in web/%s, %v, want some", files, l.folder, err)
		}
	}
}

// forbiddenInWeb returns the imports of a source file, named from web, that its layer
// forbids.
func forbiddenInWeb(l webLayer, file, source string) (forbidden []string) {
	for _, match := range importPattern.FindAllStringSubmatch(source, -1) {
		if !strings.HasPrefix(match[1], ".") {
			continue // a package of npm
		}
		imported := path.Join(path.Dir(file), match[1])
		if !slices.ContainsFunc(append([]string{l.folder}, l.may...), func(folder string) bool { return within(imported, folder) }) {
			forbidden = append(forbidden, imported)
		}
	}
	return forbidden
}

// The rules themselves can fail.
func TestWebLayersForbid(t *testing.T) {
	client, page := webLayers[0], webLayers[2]
	for _, tt := range []struct {
		layer        webLayer
		file, source string
		want         int
	}{
		{client, "client/index.ts", `export { Session } from "./session/session";`, 0},
		{client, "client/session/session.ts", "import { create } from \"@bufbuild/protobuf\";\nimport type { Cursor } from '../model';", 0},
		{client, "client/index.ts", `import { render } from "../page/view/render";`, 1},
		{client, "client/index.ts", "import {\n  render,\n  type View,\n} from \"../page/view/render\";", 1},
		{client, "client/session/session.ts", `const page = await import("../../page/main");`, 1},
		{client, "client/index.ts", `import "../page/main";`, 1},
		{client, "client/index.ts", `export * from "../page/state";`, 1},
		{page, "page/main.tsx", "import { Session } from \"../client\";\nimport { view } from \"./view/view\";", 0},
		{page, "page/main.tsx", `import build from "../build.mjs";`, 1},
	} {
		if got := forbiddenInWeb(tt.layer, tt.file, tt.source); len(got) != tt.want {
			t.Errorf("forbiddenInWeb(%s, %q) = %q, want %d", tt.file, tt.source, got, tt.want)
		}
	}
}
