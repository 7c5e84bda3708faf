package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// writePlugin writes the descriptor of a version of the plugin.
func (d *demo) writePlugin(version string) error {
	text, err := yaml.Marshal(map[string]any{
		"name": pluginName, "version": version, "api_version": "v1",
		"command":      []string{d.options.Program, PluginCommand, version},
		"capabilities": []map[string]any{{"name": capability, "idempotent": true}},
	})
	if err != nil {
		return fmt.Errorf("the descriptor of the plugin: %w", err)
	}
	dir := filepath.Join(d.dir, "plugins", pluginName)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("the folder of the plugin: %w", err)
	}
	// Nobody is to read half of it.
	half := filepath.Join(dir, "next")
	if err := os.WriteFile(half, text, 0o600); err != nil {
		return fmt.Errorf("the descriptor of the plugin: %w", err)
	}
	if err := os.Rename(half, filepath.Join(dir, "plugin.yaml")); err != nil {
		return fmt.Errorf("the descriptor of the plugin: %w", err)
	}
	return nil
}

// call calls in one region what only another one serves.
func (d *demo) call(ctx context.Context) error {
	ap := d.regions["ap"]
	err := await(ctx, "ap finds what eu serves", func() bool { _, _, err := ap.greet(ctx); return err == nil })
	if err != nil {
		return err
	}
	began := time.Now()
	g, by, err := ap.greet(ctx)
	took := time.Since(began)
	if err != nil {
		return err
	}
	if !strings.Contains(by, "eu-1") || g.Version != "1.0.0" {
		return fmt.Errorf("%+v was served by %q, not by eu", g, by)
	}
	d.sayf("%s at ap was served by %s in %.1f ms: %q, version %s", capability, by, ms(took), g.Text, g.Version)
	return nil
}

// callers call in all regions until they are told to stop.
type callers struct {
	stop    context.CancelFunc
	running sync.WaitGroup

	mu     sync.Mutex     // guards what is below
	calls  map[string]int // by version
	failed []error
}

func (d *demo) startCallers(ctx context.Context) *callers {
	calling, stop := context.WithCancel(ctx)
	c := &callers{stop: stop, calls: make(map[string]int)}
	for _, name := range names {
		c.running.Go(func() {
			for calling.Err() == nil {
				g, _, err := d.regions[name].greet(ctx) // one that has begun is finished
				c.mu.Lock()
				if err != nil {
					c.failed = append(c.failed, err)
				} else {
					c.calls[g.Version]++
				}
				c.mu.Unlock()
			}
		})
	}
	return c
}

func (c *callers) of(version string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls[version]
}

// swap replaces the plugin by another version while all regions call it.
func (d *demo) swap(ctx context.Context) error {
	const enough = 50 // calls
	for _, name := range names {
		if err := await(ctx, name+" finds what eu serves", func() bool { _, _, err := d.regions[name].greet(ctx); return err == nil }); err != nil {
			return err
		}
	}
	c := d.startCallers(ctx)
	defer func() { c.stop(); c.running.Wait() }()
	if err := await(ctx, "version 1.0.0 answers", func() bool { return c.of("1.0.0") >= enough }); err != nil {
		return err
	}
	if err := d.writePlugin("2.0.0"); err != nil {
		return err
	}
	began := time.Now()
	if _, _, err := d.regions["eu"].text(ctx, http.MethodPost, api.PluginsPath+"/"+pluginName+"/"+api.ReloadVerb, ""); err != nil {
		return err
	}
	took := time.Since(began)
	if err := await(ctx, "version 2.0.0 answers", func() bool { return c.of("2.0.0") >= enough }); err != nil {
		return err
	}
	c.stop()
	c.running.Wait()
	if len(c.failed) > 0 {
		return fmt.Errorf("%d calls failed: %w", len(c.failed), errors.Join(c.failed[:1]...))
	}
	d.sayf("plugin %s swapped from 1.0.0 to 2.0.0 in %.0f ms under load from all regions", pluginName, ms(took))
	d.sayf("%d calls answered by 1.0.0, %d by 2.0.0, 0 failed", c.of("1.0.0"), c.of("2.0.0"))
	return nil
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
