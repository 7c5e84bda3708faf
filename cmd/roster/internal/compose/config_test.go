package compose

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestReadConfig(t *testing.T) {
	t.Parallel()
	host, linked, err := ReadConfig("etc/shop.yaml", []byte(`
database: {driver: postgres, others: [memory]}
build:
  host: ../cmd/shop
  use:
    sql-drivers: [$.database.driver, $.database.others]
    image-formats: png
  providers:
    sql-drivers: {memory: example.com/memory@v1.0.0=./memory}
  versions: {github.com/lib/pq: v1.12.3}
`))
	if err != nil || host != "./cmd/shop" {
		t.Fatalf("got %q, %v", host, err)
	}
	var got []string
	for _, p := range linked {
		got = append(got, p.For+": "+p.String())
	}
	want := []string{
		"image-formats png: image/png",
		"sql-drivers postgres: github.com/lib/pq@v1.12.3",
		"sql-drivers memory: example.com/memory@v1.0.0=./etc/memory",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestConfigsThatAreWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a: [":                                              "shop.yaml: build: not YAML",
		"a: 1":                                              "shop.yaml: build: this part is missing",
		"build: {hosts: x}":                                 `unknown field "hosts"`,
		"build: {use: {sql-drivers: postgrse}}":             `shop.yaml: build.use.sql-drivers: no known package provides "postgrse"; did you mean postgres`,
		"build: {use: {sql-driver: postgres}}":              `no catalogue has that registry; did you mean sql-drivers`,
		"build: {use: {sql-drivers: $.db}}":                 "nothing stands at $.db",
		"build: {use: {sql-drivers: 7}}":                    "7 is neither a name nor a list of names",
		"build: {use: {sql-drivers: [[a], [7]]}}":           "",
		"build: {use: {sql-drivers: $.n}}\nn: 7":            "7 is neither a name nor a list of names",
		"build: {use: {x: y}, providers: {x: {y: ./here}}}": `"./here" is a folder`,
	} {
		_, _, err := ReadConfig("shop.yaml", []byte(text))
		var config *ConfigError
		if !errors.As(err, &config) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

// FuzzReadConfig checks that no file is a panic, and that what is linked has a path.
func FuzzReadConfig(f *testing.F) {
	f.Add("build: {host: ./x, use: {sql-drivers: [postgres, $.a]}, versions: {a: b}}\na: mysql\n")
	f.Add("build:\n  use: &a\n    x: *a\n")
	f.Add("build: {use: {sql-drivers: $..build}}")
	f.Fuzz(func(t *testing.T, text string) {
		_, linked, err := ReadConfig("f.yaml", []byte(text))
		for _, p := range linked {
			if err != nil || p.Path == "" {
				t.Errorf("%+v with %v", p, err)
			}
		}
	})
}
