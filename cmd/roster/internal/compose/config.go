package compose

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/providers"
)

// A Config is the part "build" of a YAML file. The rest of the file is the program's own
// config, if it is one.
type Config struct {
	// Host is the main package; a folder is relative to the file.
	Host string `yaml:"host"`

	// Use says which names to link, by registry: a list of names, one name, or a path into
	// the same file, as $.database.driver, for the name or names that stand there.
	Use map[string]any `yaml:"use"`

	// Providers says which package has a name, as path[@version][=./folder], by registry and
	// name. It goes before the catalogue of package providers. Folders are relative to the file.
	Providers map[string]map[string]string `yaml:"providers"`

	// Versions are those of modules that the catalogue names, by their path.
	Versions map[string]string `yaml:"versions"`
}

// A ConfigError says what is wrong with a file for --from, and where.
type ConfigError struct {
	File, Key string
	Err       error
}

func (e *ConfigError) Error() string { return fmt.Sprintf("%s: %s: %v", e.File, e.Key, e.Err) }

func (e *ConfigError) Unwrap() error { return e.Err }

// ReadConfig reads which host and which providers a file names.
func ReadConfig(file string, text []byte) (host string, linked []Provider, err error) {
	c, err := decodeConfig(text)
	if err != nil {
		return "", nil, &ConfigError{file, "build", err}
	}
	dir := filepath.Dir(file)
	if c.Host != "" {
		host = fromFile(dir, c.Host)
	}
	for _, registry := range slices.Sorted(maps.Keys(c.Use)) {
		names, err := namesIn(text, c.Use[registry])
		if err != nil {
			return "", nil, &ConfigError{file, "build.use." + registry, err}
		}
		for _, name := range names {
			p, err := c.provider(dir, registry, name)
			if err != nil {
				return "", nil, &ConfigError{file, "build.use." + registry, err}
			}
			linked = append(linked, p)
		}
	}
	return host, linked, nil
}

func decodeConfig(text []byte) (*Config, error) {
	var whole struct {
		Build any `yaml:"build"`
	}
	if err := yaml.Unmarshal(text, &whole); err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	if whole.Build == nil {
		return nil, errors.New("this part is missing: it says what to link, see roster build --help")
	}
	part, err := yaml.Marshal(whole.Build)
	if err != nil {
		return nil, fmt.Errorf("read it: %w", err)
	}
	var c Config
	if err := yaml.NewDecoder(bytes.NewReader(part), yaml.Strict()).Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read it: %w", err)
	}
	return &c, nil
}

// fromFile makes a folder that is relative to a file relative to the working directory.
func fromFile(dir, path string) string {
	if path != "." && path != ".." && !strings.HasPrefix(path, "./") && !strings.HasPrefix(path, "../") {
		return path
	}
	joined := filepath.Join(dir, path)
	if filepath.IsAbs(joined) || strings.HasPrefix(joined, "..") {
		return joined
	}
	return "./" + joined
}

// namesIn are the names that a value stands for.
func namesIn(text []byte, value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		if !strings.HasPrefix(v, "$") {
			return []string{v}, nil
		}
		path, err := yaml.PathString(v)
		if err != nil {
			return nil, fmt.Errorf("%s is no path: %w", v, err)
		}
		var found any
		if err := path.Read(bytes.NewReader(text), &found); err != nil {
			return nil, fmt.Errorf("nothing stands at %s: %w", v, err)
		}
		return constantNames(found)
	case []any:
		var names []string
		for _, element := range v {
			found, err := namesIn(text, element)
			if err != nil {
				return nil, err
			}
			names = append(names, found...)
		}
		return names, nil
	}
	return constantNames(value)
}

// constantNames are a name or a list of names, and no paths.
func constantNames(value any) ([]string, error) {
	switch v := value.(type) {
	case string:
		return []string{v}, nil
	case []any:
		var names []string
		for _, element := range v {
			name, ok := element.(string)
			if !ok {
				return nil, fmt.Errorf("%v is no name", element)
			}
			names = append(names, name)
		}
		return names, nil
	}
	return nil, fmt.Errorf("%v is neither a name nor a list of names", value)
}

// provider is the package for a name.
func (c *Config) provider(dir, registry, name string) (Provider, error) {
	why := registry + " " + name
	if text, ok := c.Providers[registry][name]; ok {
		p, err := ParseProvider(text)
		if err != nil {
			return Provider{}, err
		}
		p.For = why
		if p.Local != "" {
			p.Local = fromFile(dir, p.Local)
		}
		return p, nil
	}
	all := providers.All()
	at := slices.IndexFunc(all, func(r providers.Registry) bool { return r.Name == registry })
	if at < 0 {
		names := make([]string, len(all))
		for i, r := range all {
			names[i] = r.Name
		}
		return Provider{}, fmt.Errorf("build.providers has no %q of %s, and no catalogue has that registry%s",
			name, registry, didYouMean(registry, names))
	}
	known := all[at].Catalogue[name]
	if len(known) == 0 {
		return Provider{}, fmt.Errorf("no known package provides %q%s; say which one does in build.providers.%s",
			name, didYouMean(name, slices.Sorted(maps.Keys(all[at].Catalogue))), registry)
	}
	p := Provider{Path: known[0].Import, For: why}
	p.Version = c.Versions[moduleOf(p.Path, c.Versions)]
	return p, nil
}

func didYouMean(name string, known []string) string {
	near := roster.Nearest(name, known)
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}
