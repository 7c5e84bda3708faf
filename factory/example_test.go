package factory_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/factory"
)

// A Cache is what the examples make.
type Cache struct{ Text string }

// A RemoteConfig is the config of a cache that is a server.
type RemoteConfig struct {
	Address  string         `json:"address" config:"required" url:"address" doc:"host:port of the server"`
	Password factory.Secret `json:"password" url:"password"`
	Timeout  time.Duration  `json:"timeout" doc:"for each command"`
}

// Validate is called when everything could be decoded.
func (c RemoteConfig) Validate() error {
	if c.Timeout <= 0 {
		return errors.New("the timeout must be positive")
	}
	return nil
}

// newCaches is what a package has as a variable, filled by the init functions of
// others.
func newCaches() *roster.Registry[*factory.Factory[*Cache]] {
	caches := roster.New[*factory.Factory[*Cache]](roster.Named("caches"))
	factory.Register(caches, "remote", func(_ context.Context, c RemoteConfig) (*Cache, error) {
		return &Cache{fmt.Sprintf("%s within %s, password %v", c.Address, c.Timeout, c.Password)}, nil
	}, factory.Defaults(RemoteConfig{Timeout: time.Second}))
	return caches
}

func Example() {
	caches := roster.New[*factory.Factory[*Cache]](roster.Named("caches"))

	type Config struct {
		Address string        `json:"address" config:"required" url:"address"`
		Timeout time.Duration `json:"timeout"`
	}
	factory.Register(caches, "remote", func(_ context.Context, c Config) (*Cache, error) {
		return &Cache{fmt.Sprint(c.Address, " within ", c.Timeout)}, nil
	}, factory.Defaults(Config{Timeout: time.Second}))

	cache, err := factory.FromJSON(context.Background(), caches, "remote", []byte(`{"address": "localhost:11211"}`))
	fmt.Println(cache.Text, err)
	// Output: localhost:11211 within 1s <nil>
}

func ExampleFromURL() {
	cache, err := factory.FromURL(context.Background(), newCaches(), "remote://:hunter2@cache.test:11211?timeout=5s")
	fmt.Println(cache.Text, err)
	// Output: cache.test:11211 within 5s, password [redacted] <nil>
}

func ExampleFromTyped() {
	line := []byte(`{"type": "remote", "address": "cache.test:11211", "timeout": "250ms"}`)
	cache, err := factory.FromTyped(context.Background(), newCaches(), "type", line)
	fmt.Println(cache.Text, err)
	// Output: cache.test:11211 within 250ms, password [redacted] <nil>
}

func ExampleFromMap() {
	fromYAML := map[string]any{"address": "cache.test:11211"}
	cache, err := factory.FromMap(context.Background(), newCaches(), "remote", fromYAML)
	fmt.Println(cache.Text, err)
	// Output: cache.test:11211 within 1s, password [redacted] <nil>
}

func ExampleConfigError() {
	_, err := factory.FromJSON(context.Background(), newCaches(), "remote", []byte(`{
		"adress": "localhost:11211",
		"timeout": 5
	}`))
	fmt.Println(err)

	if faulty, ok := errors.AsType[*factory.ConfigError](err); ok {
		fmt.Println(faulty.Faults[1].Path, "in line", faulty.Faults[1].Line)
	}
	// Output:
	// roster: caches: config of "remote" has 3 faults:
	// 	adress (line 2, column 3): there is no such field; did you mean address?; the fields are address, password, timeout
	// 	timeout (line 3, column 14): a duration such as "1m30s" is wanted, and a number is there
	// 	address (line 1, column 1): it is required, and missing; a text is wanted
	// timeout in line 3
}

func ExampleCheck() {
	err := factory.Check(newCaches(), "remote", []byte(`{"address": "localhost:11211", "timeout": "-1s"}`))
	fmt.Println(err)
	// Output: roster: caches: config of "remote": the timeout must be positive
}

func ExampleDescribe() {
	for d := range factory.Describe(newCaches()) {
		for _, f := range d.Fields {
			fmt.Printf("%s %s: %s, %q, default %s\n", d.Name, f.Path, f.Type, f.Doc, cmp.Or(f.Default, "none"))
		}
	}
	// Output:
	// remote address: a text, "host:port of the server", default none
	// remote password: a text, "", default none
	// remote timeout: a duration such as "1m30s", "for each command", default "1s"
}

func ExampleSchema() {
	type Config struct {
		Size int8 `json:"size" config:"required" doc:"in entries"`
	}
	caches := roster.New[*factory.Factory[*Cache]]()
	factory.Register(caches, "memory", func(context.Context, Config) (*Cache, error) { return new(Cache), nil })

	schema, err := factory.Schema(caches, "memory")
	fmt.Println(string(schema), err)
	// Output:
	// {
	//   "$schema": "https://json-schema.org/draft/2020-12/schema",
	//   "additionalProperties": false,
	//   "properties": {
	//     "size": {
	//       "description": "in entries",
	//       "maximum": 127,
	//       "minimum": -128,
	//       "type": "integer"
	//     }
	//   },
	//   "required": [
	//     "size"
	//   ],
	//   "title": "memory",
	//   "type": "object"
	// } <nil>
}

func ExampleSecret() {
	c := RemoteConfig{Password: factory.NewSecret("hunter2")}
	fmt.Printf("%+v\n", c)
	fmt.Println(len(c.Password.Reveal()))
	// Output:
	// {Address: Password:[redacted] Timeout:0s}
	// 7
}
