package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/cmd/roster/internal/drill"
	"github.com/roster-go/roster/kill"
)

// cut cuts the gates for records between a region and the others, or mends them.
func (d *demo) cut(region string, cut bool) {
	for p, g := range d.replication {
		if p[0] == region || p[1] == region {
			g.set(cut)
		}
	}
}

// partition writes on both sides of one.
func (d *demo) partition(ctx context.Context) error {
	const key = "demo/price"
	eu, us := d.regions["eu"], d.regions["us"]
	if err := eu.put(ctx, key, "10"); err != nil {
		return err
	}
	if err := await(ctx, "all have the first price", func() bool { return d.all(ctx, key, "10") }); err != nil {
		return err
	}
	d.cut("eu", true)
	d.sayf("eu is cut off; both sides go on")
	if err := errors.Join(eu.put(ctx, key, "11"), us.put(ctx, key, "12")); err != nil {
		return err
	}
	err := await(ctx, "each side has its own price", func() bool {
		return eu.value(ctx, key) == "11" && us.value(ctx, key) == "12" && d.regions["ap"].value(ctx, key) == "12"
	})
	if err != nil {
		return err
	}
	d.sayf("eu wrote %s = 11, us wrote %s = 12, and ap has what us wrote", key, key)
	d.cut("eu", false)
	began := time.Now()
	var winner string
	err = await(ctx, "all agree on one price", func() bool {
		winner = d.regions["ap"].value(ctx, key)
		return eu.value(ctx, key) == us.value(ctx, key) && d.all(ctx, key, winner)
	})
	if err != nil {
		return err
	}
	took := time.Since(began)
	loser, region := "11", "eu"
	if winner == "11" {
		loser, region = "12", "us"
	}
	if err := await(ctx, "the write that lost is recorded", func() bool { return d.recorded(ctx, key, loser, region) }); err != nil {
		return err
	}
	d.sayf("healed: all agree on %s %.0f ms later; the %s of %s lost and is recorded (roster ls conflicts)", winner, ms(took), loser, region)
	return d.linked(ctx)
}

// all tells whether all regions have a value.
func (d *demo) all(ctx context.Context, key, value string) bool {
	for _, r := range d.regions {
		if r.value(ctx, key) != value {
			return false
		}
	}
	return true
}

// recorded tells whether a region has a record of a write that lost.
func (d *demo) recorded(ctx context.Context, key, value, region string) bool {
	for _, r := range d.regions {
		var answer api.Conflicts
		if r.get(ctx, api.ConflictsPath, &answer) != nil {
			continue
		}
		for _, c := range answer.Conflicts {
			if c.Key == key && string(c.Value) == value && c.Region == region {
				return true
			}
		}
	}
	return false
}

// kill kills the capability while no record travels between any two regions.
func (d *demo) kill(ctx context.Context) error {
	for _, name := range names {
		d.cut(name, true)
	}
	if err := d.isolated(ctx); err != nil {
		return err
	}
	d.sayf("replication is cut between all regions")
	report, err := d.order(ctx, "us", kill.Request{Target: kill.Capability(capability), Reason: "it greets the wrong people", By: "demo", Force: true})
	if err != nil {
		return err
	}
	for i := range report.Regions {
		region := &report.Regions[i]
		for j := range region.Runtimes {
			runtime := &region.Runtimes[j]
			d.sayf("%s in %s: %s after %.1f ms, on disk: %v", runtime.ID, region.Region, runtime.State, ms(runtime.Took), runtime.Durable)
		}
	}
	d.sayf("killed %s everywhere, acknowledged by all in %.1f ms", report.Order.Target, ms(report.Took))
	for _, name := range names {
		_, _, err := d.regions[name].greet(ctx)
		if err == nil || !strings.Contains(err.Error(), "killed") {
			return fmt.Errorf("%s still serves what is killed: %w", name, err)
		}
		if name == names[len(names)-1] {
			d.sayf("%v", err)
		}
	}
	for _, name := range names {
		d.cut(name, false)
	}
	return nil
}

// order sends a kill or a revival, which all have to acknowledge.
func (d *demo) order(ctx context.Context, region string, request kill.Request) (*kill.Report, error) {
	var report *kill.Report
	var problem *api.ErrorDetail
	err := stream(ctx, d.regions[region], api.KillsPath, request, func(line api.KillLine) {
		if line.Report != nil {
			report, problem = line.Report, line.Error
		}
	})
	switch {
	case err != nil:
		return nil, err
	case problem != nil:
		return nil, fmt.Errorf("the order of %s: %s", region, problem.Message)
	case report == nil || len(report.Regions) != len(names):
		return nil, fmt.Errorf("the report of %s does not tell of all regions: %+v", region, report)
	}
	return report, nil
}

// revive ends the kill.
func (d *demo) revive(ctx context.Context) error {
	report, err := d.order(ctx, "ap", kill.Request{Target: kill.Capability(capability), Reason: "it has learned", By: "demo", Revive: true})
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := await(ctx, name+" serves it again", func() bool { _, _, err := d.regions[name].greet(ctx); return err == nil }); err != nil {
			return err
		}
	}
	d.sayf("revived %s with epoch %d in %.1f ms; all regions serve it again", report.Order.Target, report.Order.Epoch, ms(report.Took))
	return d.linked(ctx)
}

// drill has a region play dead.
func (d *demo) drill(ctx context.Context) error {
	var report *drill.Report
	var problem *api.ErrorDetail
	request := api.DrillRequest{Fail: "eu", For: d.options.Drill.String()}
	err := stream(ctx, d.regions["ap"], api.DrillPath, request, func(line api.DrillLine) {
		if line.Progress != nil {
			d.sayf("%s", line.Progress.Text)
		}
		if line.Report != nil || line.Error != nil {
			report, problem = line.Report, line.Error
		}
	})
	switch {
	case err != nil:
		return err
	case problem != nil:
		return errors.New(problem.Message)
	case report == nil:
		return errors.New("ap ended the drill without a report")
	}
	d.printf("\n")
	for line := range strings.Lines(string(report.Markdown())) {
		d.printf("  | %s", line)
	}
	if !report.OK {
		return errors.New(report.Verdict)
	}
	return nil
}
