package compose

import (
	"fmt"
	"strings"
)

// A Provider is a package to link in for its side effect.
type Provider struct {
	Path    string // of the package; often that of its module
	Version string // of the module, or a query such as latest; "" for what the requirements select
	Local   string // a folder with the module, instead of a version; relative to the working directory

	// For says what asked for it, for example "--with" or "sql-drivers postgres".
	For string
}

// ParseProvider reads path[@version][=./folder].
func ParseProvider(text string) (Provider, error) {
	p := Provider{For: "--with"}
	rest, local, isLocal := strings.Cut(text, "=")
	p.Path, p.Version, _ = strings.Cut(rest, "@")
	p.Local = local
	switch {
	case p.Path == "" || strings.ContainsAny(p.Path, " \t\r\n\"'`\\") || strings.HasPrefix(p.Path, "-"):
		return Provider{}, fmt.Errorf("%q names no package: write path, path@version or path=./folder", text)
	case strings.HasPrefix(p.Path, ".") || strings.HasPrefix(p.Path, "/"):
		return Provider{}, fmt.Errorf("%q is a folder: write import/path=%s", text, p.Path)
	case strings.HasSuffix(rest, "@"):
		return Provider{}, fmt.Errorf("%q has no version after its @", text)
	case isLocal && local == "":
		return Provider{}, fmt.Errorf("%q has no folder after its =", text)
	}
	return p, nil
}

// String is as ParseProvider reads it.
func (p Provider) String() string {
	text := p.Path
	if p.Version != "" {
		text += "@" + p.Version
	}
	if p.Local != "" {
		text += "=" + p.Local
	}
	return text
}

// query is what go get is told.
func (p Provider) query() string {
	if p.Version == "" {
		return p.Path
	}
	return p.Path + "@" + p.Version
}

// pinned reports whether the version is an exact one.
func (p Provider) pinned() bool {
	return p.Local == "" && len(p.Version) > 1 && p.Version[0] == 'v' && strings.Count(p.Version, ".") >= 2
}
