package bench_test

import (
	"math"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkReadersDuringReload measures the 99th percentile of the time of a
// lookup among 10,000 names, alone and while a writer makes a hundred reloads of
// all of them a second, each with new values. Times of single lookups are too
// short for the clock, so a sample is the mean of 64 lookups in a row.
//
// The reader pauses after each sample, as a program does that uses what it
// looked up: the question is what the writer does to a reader, not who gets the
// processor.
func BenchmarkReadersDuringReload(b *testing.B) {
	const size = 10_000
	entries := shapes[0].entries(size)
	asked := shapes[0].asked(b, size, 0)
	each(b, reloads, entries, func(b *testing.B, l lookup) {
		b.Helper()
		alone := p99(b, asked, l)
		stop, done := make(chan struct{}), sync.WaitGroup{}
		done.Go(func() { reloadUntil(stop, entries, l) })
		during := p99(b, asked, l)
		close(stop)
		done.Wait()
		b.ReportMetric(alone, "p99-alone-ns")
		b.ReportMetric(during, "p99-reloading-ns")
		b.ReportMetric(during/alone, "p99-ratio")
		b.ReportMetric(0, "ns/op")
	})
}

func p99(b *testing.B, asked []string, l lookup) float64 {
	b.Helper()
	const inRow = 64
	samples := make([]float64, 0, 1<<20)
	i := 0
	for end := time.Now().Add(time.Second); len(samples) < cap(samples); {
		start := time.Now()
		if start.After(end) {
			break
		}
		for range inRow {
			if _, ok := l.get(asked[i&(len(asked)-1)]); !ok {
				b.Fatal("a miss")
			}
			i++
		}
		samples = append(samples, float64(time.Since(start).Nanoseconds())/inRow)
	}
	slices.Sort(samples)
	return samples[int(math.Ceil(0.99*float64(len(samples))))-1]
}

func reloadUntil(stop <-chan struct{}, entries map[string]int, l lookup) {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	next := make(map[string]int, len(entries))
	for generation := 1; ; generation++ {
		for name := range entries {
			next[name] = generation
		}
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
		l.reload(next)
	}
}
