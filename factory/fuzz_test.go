package factory_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
)

// valid tells whether err is one that bad input may have.
func valid(err error) bool {
	var unknown *roster.UnknownError
	return err == nil || errors.Is(err, factory.ErrConfig) || errors.As(err, &unknown)
}

// Whatever is given as a config, it is accepted or refused with an error; what JSON
// says a map says as well; and checking agrees with making.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{everything, `{}`, ``, `{"db": 1e2}`, `{"servers": [{}]}`, `{"spare": {"host": "h"}}`, "\xff", `{"raw": 1e999}`, `{"any": 1e999}`} {
		f.Add([]byte(seed))
	}
	r := registry(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := factory.FromJSON(bg, r, "full", data)
		if !valid(err) {
			t.Fatalf("%q: %v", data, err)
		}
		if checked := factory.Check(r, "full", data); (checked == nil) != (err == nil) {
			t.Fatalf("%q is made with %v and checked with %v", data, err, checked)
		}
		var m map[string]any
		if err != nil || json.Unmarshal(data, &m) != nil {
			return
		}
		again, err := factory.FromMap(bg, r, "full", m)
		if err != nil {
			t.Fatalf("%q is refused as a map: %v", data, err)
		}
		got.config.Raw, again.config.Raw = nil, nil
		if a, b := asText(got.config), asText(again.config); a != b {
			t.Fatalf("%q is\n%s as JSON and\n%s as a map", data, a, b)
		}
	})
}

// No URL makes the package panic, and no error tells its password.
func FuzzURL(f *testing.F) {
	for _, seed := range [][3]string{
		{"full://u:", "", "@h:1/2?db=3"}, {"full://u:", "p/w", "@h"}, {"full://u:", "p w", "@h"}, {"full:", "%", "x"}, {"full://h/?password=", "#", ""},
		{"full://h?spare.", "a", ".b=1"}, {"full://[", "::1", "]:80"}, {"full://u:", "%zz", "@h"}, {"full://h?tags=a&tags=", "+", "&pair=1"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	r := registry(f)
	f.Fuzz(func(t *testing.T, before, password, after string) {
		const marker = "Xh7nter2X"
		_, err := factory.FromURL(bg, r, before+marker+password+after)
		if !valid(err) {
			t.Fatalf("%q: %v", before+marker+password+after, err)
		}
		if before == "full://u:" && err != nil && strings.Contains(err.Error(), marker) {
			t.Fatalf("the password is told: %v", err)
		}
	})
}
