package e2e_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// A drillReport is what the test reads of a report.
type drillReport struct {
	OK           bool
	Verdict      string
	At           time.Time
	LostCount    int `json:"lost_count"`
	Acknowledged int
	Stranded     int
	BackMS       int64 `json:"back_ms"`
	ConvergedMS  int64 `json:"converged_ms"`
	Cleaned      int
	Problems     []string
	Regions      []struct {
		Region        string
		Writes, Reads struct {
			Requests, Failed int
			Outages          []struct {
				StartMS    int64 `json:"start_ms"`
				DurationMS int64 `json:"duration_ms"`
				Error      string
			}
		}
	}
	Lag []struct {
		From, To string
		BeforeMS int64 `json:"before_ms"`
		WorstMS  int64 `json:"worst_ms"`
		AfterMS  int64 `json:"after_ms"`
	}
}

// An observer is a client of one region that writes and reads as fast as it is answered, and keeps
// when it was not.
type observer struct {
	region *region
	wrote  map[string]string // that was acknowledged

	down, up time.Time // the first request that failed, and the first success after it
	failures int
	message  string // of a failure
	broken   error  // a failure of another kind
}

func (o *observer) watch(ctx context.Context) {
	o.wrote = make(map[string]string)
	for n := 0; ctx.Err() == nil; n++ {
		key := fmt.Sprintf("app/%s-%d", o.region.name, n)
		began := time.Now()
		answer, err := o.region.record(ctx, http.MethodPut, key, key, "")
		if ctx.Err() != nil {
			return // it is open whether it was written
		}
		read := recordAnswer{status: http.StatusOK}
		if err == nil && answer.status == http.StatusOK {
			o.wrote[key] = key
			read, err = o.region.record(ctx, http.MethodGet, key, "", "")
			if ctx.Err() != nil {
				return
			}
		}
		switch {
		case err != nil:
			o.broken = err
		case answer.status == http.StatusServiceUnavailable || read.status == http.StatusServiceUnavailable:
			if o.failures == 0 {
				o.down = began
			}
			o.failures++
			o.message, o.up = answer.value+read.value, time.Time{}
		case answer.status != http.StatusOK || read.status != http.StatusOK && read.status != http.StatusNotFound: // the view may be a moment behind
			o.broken = fmt.Errorf("%s: %+v, %+v", key, answer, read)
		case o.failures > 0 && o.up.IsZero():
			o.up = time.Now()
		}
		select {
		case <-time.After(5 * time.Millisecond): // some load, not all there can be
		case <-ctx.Done():
		}
	}
}

// linked waits until the regions know each other.
func (s *regionSet) linked(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, "the regions know each other", func() bool {
		for _, r := range s.regions {
			if _, body := r.get(t, "/v1/regions"); strings.Count(body, `"connected":true`) != len(s.regions)-1 {
				return false
			}
		}
		return true
	})
}

// drilled tells whether a region plays dead.
func (r *region) drilled(t *testing.T) bool {
	t.Helper()
	code, body := r.get(t, "/v1/records")
	return code == http.StatusServiceUnavailable && strings.Contains(body, "the region is drilled")
}

// A region plays dead under load. The report agrees with what clients saw, nothing that was
// acknowledged is lost, and a kill reaches the region meanwhile.
func TestDrill(t *testing.T) {
	t.Parallel()
	set := startRegions(t, nil, "ap", "eu", "us")
	ap, eu, us := set.regions["ap"], set.regions["eu"], set.regions["us"]
	// A second daemon of the region, which alone serves markdown.render.
	second := &region{name: "eu", daemon: startDaemon(t, "--region", "eu", "--host", "eu-2", "--etcd", eu.etcd, "--plugins", buildPrograms(t).plugins)}
	set.linked(t)
	render := func() (code, message string) {
		_, code, message, err := ap.call(context.Background(), "markdown.render", `{"markdown": "*hi*"}`)
		if err != nil {
			return "error", err.Error()
		}
		return code, message
	}
	eventually(t, 30*time.Second, "ap calls what the other daemon serves", func() bool { code, _ := render(); return code == "" })

	if r := eu.roster(t, "region", "drill", "--fail", "eu"); r.code != 5 || !strings.Contains(r.stderr, "--force") {
		t.Errorf("a drill of the daemon's own region: %+v", r)
	}
	if r := ap.roster(t, "region", "drill", "--fail", "mars"); r.code != 2 || !strings.Contains(r.stderr, "there are ap, eu, us") {
		t.Errorf("a drill of nobody: %+v", r)
	}
	if r := ap.roster(t, "put", "roster-drill/x", "mine"); r.code == 0 || !strings.Contains(r.stderr, "use another") {
		t.Errorf("a write to the namespace of drills: %+v", r)
	}
	cut(set.replication, "us")
	eventually(t, 30*time.Second, "a drill is refused while a region is away", func() bool {
		r := ap.roster(t, "region", "drill", "--fail", "eu")
		return r.code == 5 && strings.Contains(r.stderr, "us does not answer, and would be the next one to fail")
	})
	mend(set.replication)
	set.linked(t)

	const length = 5 * time.Second
	observers := []*observer{{region: ap}, {region: eu}, {region: us}}
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for _, o := range observers {
		clients.Go(func() { o.watch(watching) })
	}
	file := filepath.Join(t.TempDir(), "report.json")
	done := make(chan commandResult, 1)
	go func() {
		done <- ap.roster(t, "region", "drill", "--fail", "eu", "--for", length.String(), "-o", "json", "--report", file)
	}()
	eventually(t, time.Minute, "eu plays dead", func() bool { return eu.drilled(t) })

	if _, code, message, err := eu.call(t.Context(), "text.stats", `{}`); err != nil || code != "unavailable" || !strings.Contains(message, "ask another region") {
		t.Errorf("a call: %s %s %v", code, message, err)
	}
	eventually(t, length/2, "the other daemon of the region plays dead as well", func() bool { return second.drilled(t) })
	if code, message := render(); code != "unavailable" || !strings.Contains(message, "the region is drilled") {
		t.Errorf("a call from another region: %s %s", code, message)
	}
	if code, body := eu.get(t, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "drilled") {
		t.Errorf("/readyz: %d %s", code, body)
	}
	if code, body := eu.get(t, "/v1/regions"); code != http.StatusOK || strings.Contains(body, `"connected":true`) {
		t.Errorf("/v1/regions: %d %s", code, body)
	}
	if r := us.roster(t, "region", "drill", "--fail", "ap"); r.code != 5 || !strings.Contains(r.stderr, "already") {
		t.Errorf("a second drill: %+v", r)
	}
	if r := us.roster(t, "kill", "capability/text.stats", "--reason", "in a drill", "--force", "--wait", "3s"); r.code != 0 {
		t.Errorf("a kill during a drill: %+v", r)
	}
	if !eu.drilled(t) || eu.killed(t) != "capability/text.stats@1" {
		t.Errorf("the kill has not reached the region while it was drilled: %q", eu.killed(t))
	}

	result := <-done
	stop()
	clients.Wait()
	text, err := os.ReadFile(file)
	eventually(t, 10*time.Second, "the other daemon is back", func() bool { return !second.drilled(t) })
	eventually(t, 10*time.Second, "ap calls what it serves again", func() bool { code, _ := render(); return code == "" })
	if err != nil || result.code != 0 || !strings.HasPrefix(result.stdout, "NOTHING LOST") {
		t.Fatalf("the drill: %+v, %v\n%s", result, err, text)
	}
	var report drillReport
	if err := json.Unmarshal(text, &report); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	report.check(t, length, observers)
	if t.Failed() {
		t.Logf("the report: %s", text)
	}
	for _, o := range observers {
		for _, r := range set.regions {
			eventually(t, 30*time.Second, "what "+o.region.name+" acknowledged is in "+r.name, func() bool {
				return r.hasAll(t, o.wrote)
			})
		}
	}
	for _, r := range set.regions {
		eventually(t, 30*time.Second, "no probe record is left", func() bool { return len(r.values(t, "roster-drill")) == 0 })
	}
}

func (r *region) hasAll(t *testing.T, keys map[string]string) bool {
	t.Helper()
	_, body := r.get(t, "/v1/records?namespace=app")
	var list struct{ Records []struct{ Key string } }
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	have := make(map[string]bool, len(list.Records))
	for _, record := range list.Records {
		have[record.Key] = true
	}
	for key := range keys {
		if !have[key] {
			return false
		}
	}
	return true
}

// check compares a report with what clients saw.
func (report *drillReport) check(t *testing.T, length time.Duration, observers []*observer) {
	t.Helper()
	if !report.OK || report.LostCount != 0 || report.Stranded != 5 || report.Acknowledged < 100 || len(report.Problems) > 0 {
		t.Errorf("ok %v, %d lost of %d, %d stranded, problems %q", report.OK, report.LostCount, report.Acknowledged, report.Stranded, report.Problems)
	}
	if back := time.Duration(report.BackMS) * time.Millisecond; back < length || report.ConvergedMS < report.BackMS {
		t.Errorf("back after %v, converged after %d ms", back, report.ConvergedMS)
	}
	for i, o := range observers {
		seen := report.Regions[i]
		if seen.Region != o.region.name {
			t.Fatalf("the regions of the report: %+v", report.Regions)
		}
		if o.broken != nil || len(o.wrote) < 20 {
			t.Errorf("%s: %d writes, %v", seen.Region, len(o.wrote), o.broken)
		}
		if seen.Region != "eu" {
			if o.failures > 0 || seen.Writes.Failed > 0 || seen.Reads.Failed > 0 {
				t.Errorf("%s was affected: clients %d times, probes %d and %d times", seen.Region, o.failures, seen.Writes.Failed, seen.Reads.Failed)
			}
			continue
		}
		if !strings.Contains(o.message, "the region is drilled: eu plays dead") {
			t.Errorf("what clients were told: %s", o.message)
		}
		// Probes come at intervals of 100 ms and clients more often, so they differ by some of these.
		slack := atMost(500 * time.Millisecond)
		for kind, outages := range map[string]int{"writes": len(seen.Writes.Outages), "reads": len(seen.Reads.Outages)} {
			if outages != 1 {
				t.Fatalf("%d outages of %s", outages, kind)
			}
		}
		for _, outage := range []struct{ start, duration int64 }{
			{seen.Writes.Outages[0].StartMS, seen.Writes.Outages[0].DurationMS},
			{seen.Reads.Outages[0].StartMS, seen.Reads.Outages[0].DurationMS},
		} {
			start := report.At.Add(time.Duration(outage.start) * time.Millisecond)
			end := start.Add(time.Duration(outage.duration) * time.Millisecond)
			if d := start.Sub(o.down).Abs(); d > slack {
				t.Errorf("an outage began %v from where a client saw it", d)
			}
			if d := end.Sub(o.up).Abs(); d > slack {
				t.Errorf("an outage ended %v from where a client saw it", d)
			}
		}
		t.Logf("clients saw eu refuse for %v; converged %d ms after it was back", o.up.Sub(o.down), report.ConvergedMS-report.BackMS)
	}
	for _, l := range report.Lag {
		worst := time.Duration(l.WorstMS) * time.Millisecond
		affected := l.From == "eu" || l.To == "eu"
		if affected && worst < length-time.Second || !affected && worst > length-time.Second || l.AfterMS > 2000 {
			t.Errorf("lag of %s behind %s: %d ms before, %v at worst, %d ms after", l.To, l.From, l.BeforeMS, worst, l.AfterMS)
		}
	}
	if len(report.Lag) != 6 || report.Cleaned < report.Acknowledged {
		t.Errorf("%d pairs, %d cleaned", len(report.Lag), report.Cleaned)
	}
}

// A region comes back by itself when the coordinator dies in the middle of a drill, and at once
// when whoever asked for the drill gives up.
func TestDrillComesBack(t *testing.T) {
	t.Parallel()
	set := startRegions(t, nil, "ap", "eu", "us")
	ap, eu, us := set.regions["ap"], set.regions["eu"], set.regions["us"]
	set.linked(t)

	const length = 6 * time.Second
	done := make(chan commandResult, 1)
	go func() { done <- ap.roster(t, "region", "drill", "--fail", "eu", "--for", length.String()) }()
	eventually(t, time.Minute, "eu plays dead", func() bool { return eu.drilled(t) })
	began := time.Now()
	ap.kill(t)
	if r := <-done; r.code != 1 || !strings.Contains(r.stderr, "region eu comes back by itself") {
		t.Errorf("the command whose daemon died: %+v", r)
	}
	if !eu.drilled(t) {
		t.Error("eu was back at once, so it was not the timer")
	}
	eventually(t, time.Minute, "eu is back", func() bool { return !eu.drilled(t) })
	if took := time.Since(began); took > length+atMost(time.Second) || took < length-2*time.Second {
		t.Errorf("back after %v, want %v", took, length)
	}
	if r := eu.roster(t, "put", "app/after", "it"); r.code != 0 {
		t.Errorf("a write: %+v", r)
	}
	eventually(t, 30*time.Second, "eu replicates again", func() bool { return us.roster(t, "get", "app/after").stdout == "it" })

	// What the dead coordinator left behind goes with the next drill, which is interrupted.
	if len(us.values(t, "roster-drill")) == 0 {
		t.Error("no probe record was left behind, so there is nothing to clean")
	}
	ap.start(t)
	set.linked(t)
	cmd := exec.CommandContext(t.Context(), ap.program, "region", "drill", "--fail", "eu", "--for", "5m")
	cmd.Env = append(os.Environ(), "ROSTER_ADDRESS="+ap.url)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "eu plays dead again", func() bool { return eu.drilled(t) })
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it says that there is no report
	eventually(t, 30*time.Second, "eu is told that it is over", func() bool { return !eu.drilled(t) })
	for _, r := range set.regions {
		eventually(t, 30*time.Second, "no probe record is left", func() bool { return len(r.values(t, "roster-drill")) == 0 })
	}
}
