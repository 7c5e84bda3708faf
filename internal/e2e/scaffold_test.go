package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestNewPlugin writes a plugin in each language, and does with it what its README says.
func TestNewPlugin(t *testing.T) {
	t.Parallel()
	for language, steps := range map[string][][]string{
		"go": {{"go", "mod", "tidy"}, {"go", "test", "./..."}, {"go", "build", "-o", "words", "."}},
		"python": {
			{"/usr/bin/python3", "-c", "import grpc"},
			{"/usr/bin/python3", "-m", "unittest"},
		},
		"node": {{"npm", "install", "--silent", "--no-audit", "--no-fund"}, {"npm", "test"}},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			roster, dir := buildPrograms(t).roster, filepath.Join(t.TempDir(), "words")
			run := func(dir string, args ...string) (string, error) {
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod")
				out, err := cmd.CombinedOutput()
				return string(out), err
			}
			out, err := run(".", roster, "new", "plugin", "words", "--lang", language, "--dir", dir, "--source", docsRoot(t))
			if err != nil || !strings.Contains(out, "next: read ") {
				t.Fatalf("%v\n%s", err, out)
			}
			for i, step := range steps {
				if out, err := run(dir, step...); err != nil {
					if language == "python" && i == 0 && os.Getenv("CI") == "" {
						t.Skip("Python has no module grpc here: install python3-grpcio")
					}
					t.Fatalf("%s: %v\n%s", strings.Join(step, " "), err, out)
				}
			}
			out, err = run(dir, roster, "plugin", "check", ".")
			if err != nil || strings.Contains(out, "FAILED") || !strings.Contains(out, "ok       function words.count") {
				t.Fatalf("%v\n%s", err, out)
			}

			d := startDaemon(t, "--plugins", dir, "--sandbox", "none")
			answer, code, message, err := d.call(t.Context(), "words.count", `{"text": "one two three"}`)
			if err != nil || code != "" || answer["words"] != 3.0 {
				t.Errorf("%v %s %s %v", answer, code, message, err)
			}
			if _, code, message, err := d.call(t.Context(), "words.count", `{}`); err != nil || code != "invalid_argument" || !strings.Contains(message, "text: it is") {
				t.Errorf("%s %s %v", code, message, err)
			}
			if out, err := run(".", roster, "new", "plugin", "words", "--lang", language, "--dir", dir); err == nil || !strings.Contains(out, "there is something in the folder already") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
