// Package scaffold writes new plugins: a program that builds, has a test, and runs.
package scaffold

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/roster-go/roster/plugin"
)

//go:embed go python node
var templates embed.FS

// Languages are those that plugins can be written in.
var Languages = []string{"go", "python", "node"}

// A Plugin says what to write.
type Plugin struct {
	Name     string // of the plugin and its program
	Language string
	Dir      string // to make
	// Source is a folder with the source of Roster, for Go; empty means a release.
	Source string
}

// ErrExists is the error for a folder that has something in it.
var ErrExists = errors.New("there is something in the folder already; name another one")

// Write writes a plugin and returns its files. The folder must be empty or not there.
func (p Plugin) Write() ([]string, error) {
	if !slices.Contains(Languages, p.Language) {
		return nil, fmt.Errorf("the language %q is none of %s", p.Language, strings.Join(Languages, ", "))
	}
	if entries, err := os.ReadDir(p.Dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: %w", p.Dir, ErrExists)
	}
	files := map[string][]byte{}
	err := fs.WalkDir(templates, p.Language, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := p.expand(name)
		files[p.target(name)] = text
		return err
	})
	if err != nil {
		return nil, err //nolint:wrapcheck // it would be a mistake in this package
	}
	if err := os.MkdirAll(p.Dir, 0o750); err != nil {
		return nil, fmt.Errorf("folder of the plugin: %w", err)
	}
	var written []string
	for name, text := range files {
		mode := fs.FileMode(0o644)
		if name == p.Name {
			mode = 0o755 // a program
		}
		if err := os.WriteFile(filepath.Join(p.Dir, name), text, mode); err != nil {
			return nil, fmt.Errorf("file of the plugin: %w", err)
		}
		written = append(written, name)
	}
	slices.Sort(written)
	return written, nil
}

// target is the name of the file that a template makes.
func (p Plugin) target(name string) string {
	switch base := strings.TrimSuffix(path.Base(name), ".tmpl"); base {
	case "NAME":
		return p.Name
	case "gitignore":
		return "." + base
	default:
		return base
	}
}

func (p Plugin) expand(name string) ([]byte, error) {
	text, err := templates.ReadFile(name)
	if err != nil {
		return nil, err //nolint:wrapcheck // it is embedded
	}
	t, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err //nolint:wrapcheck // it is this package's
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]string{
		"Name": p.Name, "Capability": p.Name + ".count", "Source": p.Source, "Cookie": plugin.CookieValue, "Interpreter": interpreter(p.Language),
	})
	return out.Bytes(), err
}

// interpreter is the folder that a language is installed in, if that is not one that
// every sandbox may read.
func interpreter(language string) string {
	program, err := exec.LookPath(language)
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return "/usr"
	}
	return filepath.Dir(filepath.Dir(program))
}
