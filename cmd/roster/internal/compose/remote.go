package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/roster-go/roster/cmd/roster/internal/initorder"
)

// remoteHost splits a host of the form import/path@version. A folder may have an @ in its
// name; it begins with a dot or is absolute.
func remoteHost(host string) (pkg, version string, ok bool) {
	if strings.HasPrefix(host, ".") || filepath.IsAbs(host) {
		return "", "", false
	}
	return strings.Cut(host, "@")
}

// fetchHost downloads the module of a host, and returns the folder of its package in a copy
// of the sources: the module cache cannot be written to, and only the go.mod of a main module
// has replace lines that count.
func (p *Plan) fetchHost(ctx context.Context, pkg, version string) (string, error) {
	target := pkg + "@" + version
	// What is clean and relative ends at a dot when its last elements are taken off, one by one.
	if pkg == "" || version == "" || path.Clean(pkg) != pkg || path.IsAbs(pkg) || strings.HasPrefix(pkg, "-") {
		return "", fail(target, "it is no import path with a version", "write import/path@v1.2.3 or import/path@latest", nil)
	}
	sources, err := p.download(ctx, pkg, version)
	if err != nil {
		return "", err
	}
	root := filepath.Join(p.work, "host")
	if err := os.RemoveAll(root); err != nil { // that of an earlier build, if it was kept
		return "", fmt.Errorf("copy the host: %w", err)
	}
	if err := os.CopyFS(root, os.DirFS(sources.Dir)); err != nil {
		return "", fmt.Errorf("copy the host: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(root, "go.mod")); errors.Is(err, fs.ErrNotExist) { // older than modules
		text, err := os.ReadFile(sources.GoMod)
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "go.mod"), text, 0o600)
		}
		if err != nil {
			return "", fmt.Errorf("the go.mod of the host: %w", err)
		}
	}
	folder := filepath.Join(root, filepath.FromSlash(strings.TrimPrefix(pkg, sources.Path)))
	if _, err := os.Stat(folder); err != nil {
		return "", fail(target, fmt.Sprintf("%s %s has no such package", sources.Path, sources.Version), "check the path and the version", nil)
	}
	return folder, nil
}

// A download is what the go command says of a module in its cache, or of the reason why it is
// not there.
type download struct {
	Path, Version, Dir, GoMod, Error string
}

// aboutVersion is how the go command begins to say that it knows a module, and not the version.
var aboutVersion = regexp.MustCompile(`unknown revision|invalid version|no matching versions|ambiguous|not a canonical version`)

// download gets the module that has a package: the one with the longest path, as for go install.
func (p *Plan) download(ctx context.Context, pkg, version string) (download, error) {
	at := initorder.Options{Dir: p.work, Env: []string{"GOWORK=off", "GO111MODULE=on"}}
	var reason error
	for module := pkg; module != "."; module = path.Dir(module) {
		out, err := at.Go(ctx, "mod", "download", "-json", module+"@"+version)
		var got download
		_ = json.Unmarshal(out, &got) //nolint:musttag // the go command has the names; without an answer, err says why
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return download{}, fmt.Errorf("download the host: %w", ctx.Err())
		}
		if got.Error != "" {
			err = errors.New(got.Error)
		}
		if reason == nil || aboutVersion.MatchString(err.Error()) {
			reason = err
		}
	}
	return download{}, fail(pkg+"@"+version, "it cannot be downloaded", "check the path, the version and GOPROXY", reason)
}
