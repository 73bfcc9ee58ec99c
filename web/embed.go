// Package web holds the built page.
package web

import (
	"embed"
	"io/fs"
)

//go:generate npm ci
//go:generate npm run build

//go:embed dist
var dist embed.FS

// Files returns the built page: index.html and what it loads. Texts have a compressed file beside
// them, with the suffix ".br". The names in assets change with the content.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		panic(err) // "dist" is a valid path
	}
	return files
}

// Style returns the name of the style sheet.
func Style() string {
	names, err := fs.Glob(Files(), "assets/style-*.css")
	if err != nil || len(names) != 1 {
		panic("web: the page must have one style sheet") // it was built so
	}
	return names[0]
}
