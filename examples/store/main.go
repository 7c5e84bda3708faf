// Command store keeps texts in whichever store its first argument describes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/roster-go/roster/examples/store/kv"
	"github.com/roster-go/roster/factory"

	_ "github.com/roster-go/roster/examples/store/file"   // registers the store "file"
	_ "github.com/roster-go/roster/examples/store/memory" // registers the store "memory"
	_ "github.com/roster-go/roster/examples/store/redis"  // registers the store "redis"
)

const usage = `usage: store CONFIG get KEY | set KEY VALUE | delete KEY
       store describe

CONFIG is a URL such as file:/tmp/notes.json, or JSON such as {"type": "file", "path": "/tmp/notes.json"}`

var errUsage = errors.New(usage)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) == 1 && args[0] == "describe" {
		return describe(out)
	}
	if len(args) < 3 {
		return errUsage
	}
	store, err := open(ctx, args[0])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	switch verb, args := args[1], args[2:]; {
	case verb == "get" && len(args) == 1:
		value, ok, err := store.Get(ctx, args[0])
		if err == nil && !ok {
			err = fmt.Errorf("there is no %q", args[0])
		}
		if err != nil {
			return err
		}
		return write(out, value+"\n")
	case verb == "set" && len(args) == 2:
		return store.Set(ctx, args[0], args[1])
	case verb == "delete" && len(args) == 1:
		return store.Delete(ctx, args[0])
	}
	return errUsage
}

func open(ctx context.Context, config string) (kv.Store, error) {
	if strings.HasPrefix(config, "{") {
		return factory.FromTyped(ctx, kv.Stores, "type", []byte(config))
	}
	return factory.FromURL(ctx, kv.Stores, config)
}

func describe(out io.Writer) error {
	var text strings.Builder
	for d := range factory.Describe(kv.Stores) {
		fmt.Fprintln(&text, d.Name)
		for _, f := range d.Fields {
			fmt.Fprintf(&text, "  %-10s %s", f.Path, f.Type)
			if f.Doc != "" {
				fmt.Fprintf(&text, "; %s", f.Doc)
			}
			if f.Default != "" {
				fmt.Fprintf(&text, "; %s if it is left out", f.Default)
			}
			fmt.Fprintln(&text)
		}
	}
	return write(out, text.String())
}

func write(out io.Writer, text string) error {
	if _, err := io.WriteString(out, text); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}
