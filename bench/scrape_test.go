package bench_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/telemetry"
)

// protobuf is the form that Prometheus asks for where it stores native histograms.
const protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"

// observed is a process with much to tell: 10,000 entries that were all looked up, 1,000 names
// that were looked up in vain, and 100 plugins with three methods each.
func observed(b *testing.B) (*roster.Registry[int], []string, http.Handler) {
	b.Helper()
	d := roster.NewDirectory()
	r := roster.New[int](roster.Named("large"), roster.In(d))
	names := make([]string, 10_000)
	for i := range names {
		names[i] = fmt.Sprintf("entry-%05d", i)
		r.Register(names[i], i)
		r.Get(names[i])
	}
	for i := range 1_000 {
		r.Get(fmt.Sprintf("missing-%04d", i))
	}
	plugins := telemetry.NewPlugins(nil)
	for p := range 100 {
		for m := range 3 {
			_, done := plugins.Call(b.Context(), fmt.Sprintf("plugin-%03d", p), fmt.Sprint("method-", m))
			done("OK", nil)
		}
		plugins.Restarted(fmt.Sprintf("plugin-%03d", p), "exit")
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(telemetry.NewCollector(d), plugins)
	return r, names, promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// scrape reads everything once and returns how long it was.
func scrape(handler http.Handler, accept string) (length int, err error) {
	req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept", accept)
	w := &counting{header: make(http.Header)}
	handler.ServeHTTP(w, req)
	if w.status != 0 && w.status != http.StatusOK {
		err = errors.New(http.StatusText(w.status))
	}
	return w.n, err
}

// counting is a response whose body is only measured.
type counting struct {
	header http.Header
	status int
	n      int
}

func (c *counting) Header() http.Header         { return c.header }
func (c *counting) WriteHeader(status int)      { c.status = status }
func (c *counting) Write(p []byte) (int, error) { c.n += len(p); return io.Discard.Write(p) }

// BenchmarkScrape reads the metrics of a large process.
func BenchmarkScrape(b *testing.B) {
	r, _, handler := observed(b)
	for name, accept := range map[string]string{"text": "text/plain", "protobuf": protobuf} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			length, begun := 0, processTime()
			for b.Loop() {
				var err error
				if length, err = scrape(handler, accept); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processTime()-begun).Nanoseconds())/float64(b.N), "cpu-ns/op")
			b.ReportMetric(float64(length), "body-B")
		})
	}
	runtime.KeepAlive(r)
}

// BenchmarkHitWhileScraped looks up in the same registry while it is scraped and while it is not.
// Both take turns in each iteration, off, on, on, off, of a tenth of a second each, so that a
// machine whose speed drifts does so for both, and what counts is the time of the reader's thread on
// a processor. A scrape in each turn is 150 times as often as by default. The ratio is the median of
// those of the iterations; the aim is at most 1.02.
func BenchmarkHitWhileScraped(b *testing.B) {
	r, names, handler := observed(b)
	const turn = 100 * time.Millisecond
	var off, on, ratios []float64 // nanoseconds of a lookup
	for b.Loop() {
		var offs, ons float64
		for _, scraped := range []bool{false, true, true, false} {
			if !scraped {
				offs += hits(r, names, turn)
				continue
			}
			done := make(chan error, 1)
			go func() { _, err := scrape(handler, protobuf); done <- err }()
			ons += hits(r, names, turn)
			if err := <-done; err != nil {
				b.Fatal(err)
			}
		}
		const turns = 2
		off, on, ratios = append(off, offs/turns), append(on, ons/turns), append(ratios, ons/offs)
	}
	b.ReportMetric(median(off), "off-ns/lookup")
	b.ReportMetric(median(on), "on-ns/lookup")
	b.ReportMetric(median(ratios), "ratio")
}

// hits looks names up for a while and returns the nanoseconds of a processor that one took.
func hits(r *roster.Registry[int], names []string, during time.Duration) float64 {
	const between = 1 << 16 // looks at the clock
	runtime.LockOSThread()  // its time is taken
	defer runtime.UnlockOSThread()
	n, sum := 0, 0
	begun := cpuTime()
	for end := time.Now().Add(during); time.Now().Before(end); {
		for range between {
			v, _ := r.Get(names[n%len(names)])
			sum += v
			n++
		}
	}
	took := cpuTime() - begun
	runtime.KeepAlive(sum)
	return float64(took.Nanoseconds()) / float64(n)
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}
