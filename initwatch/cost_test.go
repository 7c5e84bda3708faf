package initwatch

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// BenchmarkStart is what the watchdog costs a program that starts and ends: the whole of a process with it,
// with it switched off, and without it. The program has no inits that wait.
func BenchmarkStart(b *testing.B) {
	folder := b.TempDir()
	for _, tags := range []string{"", "watch"} {
		out, err := exec.CommandContext(b.Context(), "go", "build", "-tags", tags, "-o", filepath.Join(folder, "start"+tags), "./testdata/start").CombinedOutput()
		if err != nil {
			b.Fatalf("build: %v\n%s", err, out)
		}
	}
	for _, bb := range []struct{ name, program, setting string }{
		{"without", "start", ""},
		{"with", "startwatch", ""},
		{"off", "startwatch", "off"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				cmd := exec.Command(filepath.Join(folder, bb.program))
				cmd.Env = append(os.Environ(), variable+"="+bb.setting)
				if err := cmd.Run(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkLook is one look at the goroutines of this process.
func BenchmarkLook(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := culprit(); ok {
			b.Fatal("main was reached long ago")
		}
	}
}
