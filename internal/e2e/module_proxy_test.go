package e2e_test

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writeProxy publishes the modules in the folders path@version below dir as a module proxy
// does, so that the go command links them with their versions. It returns the proxy's folder.
func writeProxy(t *testing.T, dir string) (proxy string) {
	t.Helper()
	proxy = t.TempDir()
	published := 0
	err := filepath.WalkDir(dir, func(folder string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || !strings.Contains(d.Name(), "@") {
			return err
		}
		rel, err := filepath.Rel(dir, folder)
		if err != nil {
			return err
		}
		module, version, _ := strings.Cut(filepath.ToSlash(rel), "@")
		published++
		if err := publish(proxy, folder, module, version); err != nil {
			return err
		}
		return fs.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	if published == 0 {
		t.Fatalf("no module in %s", dir)
	}
	return proxy
}

// publish writes the four files that a proxy serves for a version of a module.
func publish(proxy, folder, module, version string) error {
	at := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(at, 0o750); err != nil {
		return err
	}
	mod, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	if err != nil {
		return err
	}
	archive, err := os.Create(filepath.Join(at, version+".zip"))
	if err != nil {
		return err
	}
	w := zip.NewWriter(archive)
	err = filepath.WalkDir(folder, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(folder, file)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		entry, err := w.Create(module + "@" + version + "/" + filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		_, err = entry.Write(content)
		return err
	})
	info := fmt.Sprintf(`{"Version":%q,"Time":"2026-01-02T03:04:05Z"}`, version)
	return errors.Join(err, w.Close(), archive.Close(),
		os.WriteFile(filepath.Join(at, version+".mod"), mod, 0o600),
		os.WriteFile(filepath.Join(at, version+".info"), []byte(info), 0o600),
		os.WriteFile(filepath.Join(at, "list"), []byte(version+"\n"), 0o600))
}

// goEnv is the environment of a go command that knows the modules of a proxy and no other.
func goEnv(t *testing.T, proxy string) []string {
	t.Helper()
	return append(os.Environ(),
		"GOPROXY=file://"+filepath.ToSlash(proxy), "GOSUMDB=off", "GONOSUMDB=*", "GOPRIVATE=", "GONOPROXY=none",
		"GOMODCACHE="+t.TempDir(), "GOFLAGS=-mod=mod -modcacherw", "GOWORK=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0",
		"GOTRACEBACK=single",
	)
}
