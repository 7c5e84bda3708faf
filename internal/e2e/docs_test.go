package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// docsRoot is the folder of the workspace file.
func docsRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.work here or above: the documentation tests need a checkout of the repository")
		}
		dir = parent
	}
}

// workingTree lists the files that are or could be committed, relative to root.
func workingTree(t *testing.T, root string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v: the documentation tests need a git checkout", err)
	}
	var files []string
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		// A file that is deleted but not yet committed is still listed.
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil && !slices.Contains(files, name) {
			files = append(files, name)
		}
	}
	if len(files) == 0 {
		t.Fatal("git lists no files")
	}
	return files
}

// readBlocks parses the blocks of a document.
func readBlocks(t *testing.T, root, doc string) []docBlock {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(doc)))
	if err != nil {
		t.Fatal(err)
	}
	blocks, err := parseBlocks(doc, string(source))
	if err != nil {
		t.Fatal(err)
	}
	return blocks
}

// provenDocuments are those whose every claim in code is executed.
func provenDocuments(t *testing.T, files []string) []string {
	t.Helper()
	documents := []string{"README.md", "ARCHITECTURE.md"}
	for _, name := range files {
		if path.Dir(name) == "docs/guide" && path.Ext(name) == ".md" {
			documents = append(documents, name)
		}
	}
	return documents
}

// consoleCommands are the commands of a document that are run.
func consoleCommands(t *testing.T, blocks []docBlock) []docCommand {
	t.Helper()
	var commands []docCommand
	for _, b := range blocks {
		if b.lang != "console" || b.notRun != "" {
			continue
		}
		parsed, err := parseCommands(b)
		if err != nil {
			t.Fatal(err)
		}
		commands = append(commands, parsed...)
	}
	return commands
}

func TestDocumentedCommands(t *testing.T) {
	if os.Getenv("DOCS_UNDER_TEST") != "" {
		t.Fatal("a documented command runs the documentation tests: put <!-- not run: this runs the tests --> before its block")
	}
	root := docsRoot(t)
	files := workingTree(t, root)
	for _, doc := range provenDocuments(t, files) {
		t.Run(doc, func(t *testing.T) {
			blocks := readBlocks(t, root, doc)
			for _, b := range blocks {
				if b.notRun != "" {
					t.Logf("%s: not run: %s", b, b.notRun)
				}
			}
			commands := consoleCommands(t, blocks)
			if len(commands) == 0 {
				return
			}
			tmp, err := os.MkdirTemp("", "docs") //nolint:usetesting // the path of a unix socket has to stay short
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.RemoveAll(tmp); err != nil {
					t.Error(err)
				}
			})
			tree := filepath.Join(tmp, "roster")
			copyFiles(t, root, tree, files)
			if err := runCommands(t.Context(), tree, readerEnv(t, tmp), commands); err != nil {
				t.Fatal(err)
			}
			t.Logf("%d commands ran", len(commands))
		})
	}
}

// copyFiles copies files, which are relative to from.
func copyFiles(t *testing.T, from, to string, files []string) {
	t.Helper()
	for _, name := range files {
		source, target := filepath.Join(from, name), filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
			t.Fatal(err)
		}
		info, err := os.Lstat(source)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&os.ModeSymlink != 0 {
			link, err := os.Readlink(source)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(link, target); err != nil {
				t.Fatal(err)
			}
			continue
		}
		data, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, data, info.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
}

// readerEnv is the environment of somebody who has just cloned the repository: an empty
// home folder and no settings, but the caches of this machine, to be quick.
func readerEnv(t *testing.T, tmp string) []string {
	t.Helper()
	var env []string
	for _, setting := range os.Environ() {
		name, _, _ := strings.Cut(setting, "=")
		if name == "GOWORK" || strings.HasPrefix(name, "ROSTER_") || strings.HasPrefix(name, "XDG_") {
			continue
		}
		env = append(env, setting)
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH", "GOENV"} {
		out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatalf("go env %s: %v", name, err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(out)))
	}
	for _, dir := range []string{"home", "tmp"} {
		if err := os.Mkdir(filepath.Join(tmp, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return append(env, "HOME="+filepath.Join(tmp, "home"), "TMPDIR="+filepath.Join(tmp, "tmp"),
		"LC_ALL=C.UTF-8", "TERM=dumb", "NO_COLOR=1", "DOCS_UNDER_TEST=1")
}

func TestDocumentedCode(t *testing.T) {
	root := docsRoot(t)
	documents := provenDocuments(t, workingTree(t, root))
	var commands []docCommand
	for _, doc := range documents {
		commands = append(commands, consoleCommands(t, readBlocks(t, root, doc))...)
	}
	for _, doc := range documents {
		for _, b := range readBlocks(t, root, doc) {
			if b.lang != "go" {
				continue
			}
			if err := checkCode(root, b, commands); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestDocumentedBlocksParse(t *testing.T) {
	root := docsRoot(t)
	for _, doc := range markdownFiles(workingTree(t, root)) {
		for _, b := range readBlocks(t, root, doc) {
			if err := checkSyntax(t, b); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestCheckSyntax(t *testing.T) {
	tests := []struct {
		lang, text string
		err        string // part of the error
	}{
		{"json", `{"a": 1}`, ""},
		{"json", `{"a": 1`, "d.md:7: this json does not parse"},
		{"json", `{"a": 1} {}`, "d.md:7: this json does not parse"},
		{"yaml", "a: 1\n---\nb: [2]", ""},
		{"yaml", "a: [1", "d.md:7: this yaml does not parse"},
		{"yaml", "a: 1\n---\nb: [2", "d.md:7: this yaml does not parse"},
		{"sh", "a | b &&\n\tc", ""},
		{"sh", "if a", "d.md:7: this sh does not parse"},
		{"text", "anything (", ""},
		{"", "x", "d.md:7: say after the fence what language"},
		{"golang", "x", `d.md:7: the language "golang" is unknown`},
	}
	for _, tt := range tests {
		t.Run(tt.lang+" "+tt.text, func(t *testing.T) {
			err := checkSyntax(t, docBlock{doc: "d.md", line: 7, lang: tt.lang, lines: strings.Split(tt.text, "\n")})
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
		})
	}
}

// checkSyntax checks that a block is of its language, where a parser is at hand. A language
// that is not known is an error, so that a misspelt one does not hide a block.
func checkSyntax(t *testing.T, b docBlock) error {
	t.Helper()
	var err error
	switch b.lang {
	case "go", "console", "text", "diff", "proto", "promql", "mermaid", "html", "makefile":
	case "json":
		var value any
		err = json.Unmarshal([]byte(b.text()), &value)
	case "yaml":
		decoder := yaml.NewDecoder(strings.NewReader(b.text()))
		for err == nil {
			var value any
			err = decoder.Decode(&value)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
	case "sh":
		cmd := exec.CommandContext(t.Context(), "bash", "-n")
		cmd.Stdin = strings.NewReader(b.text())
		var out []byte
		if out, err = cmd.CombinedOutput(); err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
	case "":
		return fmt.Errorf("%s: say after the fence what language this is, text if none", b)
	default:
		return fmt.Errorf("%s: the language %q is unknown: use another or teach checkSyntax", b, b.lang)
	}
	if err != nil {
		return fmt.Errorf("%s: this %s does not parse: %w", b, b.lang, err)
	}
	return nil
}

func TestRelativeLinks(t *testing.T) {
	root := docsRoot(t)
	broken, err := brokenLinks(os.DirFS(root), workingTree(t, root))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range broken {
		t.Error(b)
	}
}
