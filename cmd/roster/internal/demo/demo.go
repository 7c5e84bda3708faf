package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/console"
)

// Options of a demonstration. Program and Out are needed.
type Options struct {
	Program string          // roster itself, which is run for each region
	Out     io.Writer       // for the narration
	Once    bool            // end when everything has been shown, instead of waiting for ctx
	Drill   time.Duration   // how long the region of the drill plays dead, 4 s by default
	Bind    func(*exec.Cmd) // ties a process to this one, if it is not nil
}

// stepLimit bounds each step, on a machine that is busy with other things.
const stepLimit = 90 * time.Second

// The regions. The first has the plugin; the last is asked for what comes from outside.
var names = []string{"eu", "us", "ap"}

// A demo is one demonstration.
type demo struct {
	options Options
	dir     string
	began   time.Time
	regions map[string]*region
	// The gates by the regions that dial and are dialled; those for kills are others.
	replication, control map[[2]string]*gate
}

// A FalseClaimError reports that something did not hold that the demonstration claims.
type FalseClaimError struct {
	Step string
	Err  error
}

func (e *FalseClaimError) Error() string {
	return fmt.Sprintf("the demonstration failed at %q: %v", e.Step, e.Err)
}

// Unwrap returns what was found instead.
func (e *FalseClaimError) Unwrap() error { return e.Err }

// Run shows everything, step by step, and fails at the first claim that does not hold.
func Run(ctx context.Context, options Options) (err error) {
	if options.Drill == 0 {
		options.Drill = 4 * time.Second
	}
	dir, err := os.MkdirTemp("", "roster-demo-")
	if err != nil {
		return fmt.Errorf("a folder for the data: %w", err)
	}
	d := &demo{
		options: options, dir: dir, began: time.Now(), regions: make(map[string]*region),
		replication: make(map[[2]string]*gate), control: make(map[[2]string]*gate),
	}
	defer func() { err = errors.Join(err, d.close()) }()
	for _, step := range []struct {
		title string
		run   func(context.Context) error
	}{
		{"three regions", d.start},
		{"a call that another region serves", d.call},
		{"a hot swap without a failed call", d.swap},
		{"a partition, and what comes of two writes", d.partition},
		{"a kill while nothing is replicated", d.kill},
		{"a revival", d.revive},
		{"a drill", d.drill},
		{"where to look", d.look},
	} {
		d.printf("\n%s\n", step.title)
		stepping, cancel := context.WithTimeout(ctx, stepLimit)
		err := step.run(stepping)
		cancel()
		if ctx.Err() != nil {
			return nil // it was told to stop
		}
		if err != nil {
			return &FalseClaimError{step.title, err}
		}
	}
	if options.Once {
		return nil
	}
	d.printf("\nCtrl-C ends all of it and removes its data.\n")
	select {
	case <-ctx.Done():
		return nil
	case name := <-d.gone(ctx):
		return fmt.Errorf("the daemon of region %s has ended: %s", name, d.regions[name].lastWords())
	}
}

// gone receives the name of a region whose daemon ends.
func (d *demo) gone(ctx context.Context) <-chan string {
	first := make(chan string, len(names))
	for name, r := range d.regions {
		go func() {
			select {
			case <-r.exited:
				first <- name
			case <-ctx.Done():
			}
		}()
	}
	return first
}

func (d *demo) printf(format string, args ...any) { _, _ = fmt.Fprintf(d.options.Out, format, args...) }

// say tells what was seen.
func (d *demo) sayf(format string, args ...any) {
	d.printf("%6.2f s  %s\n", time.Since(d.began).Seconds(), fmt.Sprintf(format, args...))
}

// close ends everything, and removes the data.
func (d *demo) close() error {
	ended := make(chan struct{})
	for _, r := range d.regions {
		go func() { r.stop(); ended <- struct{}{} }()
	}
	for range d.regions {
		<-ended
	}
	for _, gates := range []map[[2]string]*gate{d.replication, d.control} {
		for _, g := range gates {
			g.close()
		}
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return fmt.Errorf("remove the data: %w", err)
	}
	return nil
}

// start starts the daemons and waits until they know each other.
func (d *demo) start(ctx context.Context) error {
	for _, from := range names {
		for _, to := range names {
			if from == to {
				continue
			}
			for _, gates := range []map[[2]string]*gate{d.replication, d.control} {
				g, err := newGate(ctx)
				if err != nil {
					return err
				}
				gates[[2]string{from, to}] = g
			}
		}
	}
	if err := d.writePlugin("1.0.0"); err != nil {
		return err
	}
	for _, name := range names {
		r, err := startRegion(d.options.Program, d.dir, name, d.config(name), d.options.Bind)
		if err != nil {
			return err
		}
		d.regions[name] = r
	}
	for _, name := range names {
		if err := d.regions[name].await(ctx); err != nil {
			return err
		}
		d.sayf("%s is ready at %s, process %d", name, d.regions[name].url, d.regions[name].command.Process.Pid)
	}
	for _, name := range names {
		if err := d.open(ctx, name); err != nil {
			return err
		}
	}
	if err := d.linked(ctx); err != nil {
		return err
	}
	d.sayf("each replicates to the two others, and kills have a path of their own")
	return nil
}

func (d *demo) config(name string) map[string]any {
	others := make(map[string]any)
	for _, other := range names {
		if other != name {
			p := [2]string{name, other}
			others[other] = map[string]any{
				"control": []string{d.control[p].address()}, "replication": []string{d.replication[p].address()},
			}
		}
	}
	config := map[string]any{
		"listen": "127.0.0.1:0", "region": name, "host": name + "-1",
		"regions": map[string]any{"control": "127.0.0.1:0", "replication": "127.0.0.1:0", "others": others},
	}
	if name == names[0] {
		config["plugins"] = filepath.Join(d.dir, "plugins")
	}
	return config
}

// open leads the gates to a region to where its daemon listens.
func (d *demo) open(ctx context.Context, name string) error {
	var own api.Region
	err := await(ctx, name+" says where it listens", func() bool {
		var answer api.Regions
		if d.regions[name].get(ctx, api.RegionsPath, &answer) != nil {
			return false
		}
		i := slices.IndexFunc(answer.Regions, func(r api.Region) bool { return r.Name == name && len(r.Replication)*len(r.Control) > 0 })
		if i >= 0 {
			own = answer.Regions[i]
		}
		return i >= 0
	})
	if err != nil {
		return err
	}
	for _, from := range names {
		if from != name {
			d.replication[[2]string{from, name}].lead(own.Replication[0])
			d.control[[2]string{from, name}].lead(own.Control[0])
		}
	}
	return nil
}

// linked waits until all regions replicate to all, and isolated until none does to any.
func (d *demo) linked(ctx context.Context) error {
	return await(ctx, "all regions are linked", func() bool { return d.links(ctx) == len(names)*(len(names)-1) })
}

func (d *demo) isolated(ctx context.Context) error {
	return await(ctx, "all links are cut", func() bool { return d.links(ctx) == 0 })
}

// links is how many links there are, or -1 if that is not known.
func (d *demo) links(ctx context.Context) int {
	n := 0
	for _, r := range d.regions {
		var answer api.Regions
		if r.get(ctx, api.RegionsPath, &answer) != nil {
			return -1
		}
		for _, region := range answer.Regions {
			if region.Connected {
				n++
			}
		}
	}
	return n
}

// look prints where there is more to see.
func (d *demo) look(ctx context.Context) error {
	for _, name := range names {
		r := d.regions[name]
		for _, path := range []string{console.Path, "/metrics"} {
			if _, _, err := r.text(ctx, http.MethodGet, path, ""); err != nil {
				return err
			}
		}
		d.printf("  %s  console %s%s  metrics %s/metrics\n", name, r.url, console.Path, r.url)
	}
	return nil
}

// await waits until something holds.
func await(ctx context.Context, what string, holds func() bool) error {
	const pause = 10 * time.Millisecond
	for !holds() {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return fmt.Errorf("it has not come to be that %s", what)
		}
	}
	return nil
}
