//go:build unix

package kill

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/roster-go/roster/internal/assert"
)

func BenchmarkKilled(b *testing.B) {
	for _, n := range []int{0, 1, 1000} {
		s, err := Open("")
		assert.NoError(b, err)
		for i := range n {
			_, err := s.Apply("test", order(Plugin("plugin-"+strconv.Itoa(i), "1.0.0"), 1, false))
			assert.NoError(b, err)
		}
		target := Plugin("markdown", "1.2.0")
		b.Run(fmt.Sprintf("orders=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, killed := s.Killed(target); killed {
					b.Fatal("killed")
				}
			}
		})
	}
}

// processor is the time that both cores have worked for this process.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	assert.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkKillThreeRegions measures a kill from its issue until the last of 999 runtimes in three
// regions has acknowledged it, with 100 ms of round trip between regions, mutual TLS, and a file
// with fsync for each runtime and hub. Run it with -benchtime 50x. ROSTER_RUNTIMES changes how
// many runtimes each region has.
func BenchmarkKillThreeRegions(b *testing.B) {
	const roundTrip = 100 * time.Millisecond
	each := 333
	if text := os.Getenv("ROSTER_RUNTIMES"); text != "" {
		n, err := strconv.Atoi(text)
		assert.NoError(b, err)
		each = n
	}
	f := newFabric(b, roundTrip, nil, "eu", "us", "ap")
	var runtimes []*testRuntime
	for _, region := range f.names {
		for i := range each {
			runtimes = append(runtimes, f.runtime(fmt.Sprintf("%s/%d", region, i), region, nil))
		}
	}
	for _, r := range runtimes {
		r.awaitCurrent(b)
	}
	// One at a time they stop slowly.
	defer func() {
		var work sync.WaitGroup
		for _, r := range runtimes {
			work.Go(func() { r.stop(b) })
		}
		work.Wait()
	}()
	var kills, acks []time.Duration
	before := processor(b)
	for b.Loop() {
		start := time.Now()
		report, err := f.hubs["eu"].Kill(background(b), Request{Target: Plugin("markdown", ""), Reason: "measured", Force: true}, nil)
		assert.NoError(b, err)
		kills = append(kills, time.Since(start))
		if !report.Complete || !report.Durable || report.Count(Acked) != 3*each {
			b.Fatalf("complete %v, durable %v, %d acknowledged", report.Complete, report.Durable, report.Count(Acked))
		}
		for _, region := range report.Regions {
			for i := range region.Runtimes {
				acks = append(acks, region.Runtimes[i].Took)
			}
		}
	}
	b.StopTimer()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(processor(b)-before)/1e6/float64(b.N), "cpu-ms/kill")
	for _, m := range []struct {
		name string
		of   []time.Duration
	}{{"kill", kills}, {"ack", acks}} {
		slices.Sort(m.of)
		at := func(p int) float64 { return float64(m.of[(len(m.of)*p+99)/100-1]) / 1e6 }
		b.ReportMetric(at(50), m.name+"-p50-ms")
		b.ReportMetric(at(99), m.name+"-p99-ms")
		b.ReportMetric(at(100), m.name+"-max-ms")
	}
}
