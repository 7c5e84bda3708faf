package consolepage

import (
	"cmp"
	"context"
	"embed"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
)

// Path is where a [Console] expects to be mounted, and what lies below it.
const Path = "/console"

// Limits of a [Console].
const (
	DefaultInterval = time.Second
	maxStreams      = 32 // at once; one for each tab that is looked at
	maxForm         = 16 << 10

	// watchInterval is how exactly the time of a miss is known while no page is open.
	watchInterval = 5 * time.Second
)

// Options adjust a [Console].
type Options struct {
	// Directory lists the registries. Nil means the process-wide one.
	Directory *roster.Directory
	// Interval is how often a page that is looked at is brought up to date; 1 s if zero.
	Interval time.Duration
	// Closing ends the streams when it is closed. Nil means never.
	Closing <-chan struct{}
	// Logger is told what went wrong. Nil discards it.
	Logger *slog.Logger
}

// A Console serves pages. Create it with [New] and end it with [Console.Close].
type Console struct {
	source    Source
	directory *roster.Directory
	interval  time.Duration
	closing   <-chan struct{}
	log       *slog.Logger
	handler   http.Handler
	misses    missWatch
	orders    orders
	streams   chan struct{} // holds one for each stream there is
	patience  time.Duration // see the constant
	watching  sync.WaitGroup
	unwatch   context.CancelFunc

	mu     sync.Mutex // guards latest; held while the source is asked, so that one asks for all
	latest *snapshot
}

//go:embed assets
var assets embed.FS

// lookPatience bounds one look at the source.
const lookPatience = 5 * time.Second

// Patterns of the forms, for whoever says who may send them.
const (
	ReviewPattern = "POST " + Path + "/kill/review" // counts what a kill would hit
	OrderPattern  = "POST " + Path + "/kill/order"  // gives an order
)

// Patterns are those under which a [Console] is to be served.
func Patterns() []string {
	return []string{"GET " + Path, "GET " + Path + "/", ReviewPattern, OrderPattern}
}

// New makes a console of what source says.
func New(source Source, o Options) *Console {
	c := &Console{
		source: source, directory: o.Directory, interval: cmp.Or(o.Interval, DefaultInterval), closing: o.Closing, log: o.Logger,
		streams: make(chan struct{}, maxStreams), patience: patience,
	}
	if c.directory == nil {
		c.directory = roster.DefaultDirectory()
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.orders.start(source)
	c.watch()
	mux := http.NewServeMux()
	for i := range pages {
		mux.HandleFunc("GET "+Path+pages[i].path, c.servePage(&pages[i]))
	}
	mux.HandleFunc("GET "+Path+"/events", c.serveEvents)
	mux.HandleFunc("GET "+Path+"/kill", c.serveKillForm)
	mux.HandleFunc(ReviewPattern, c.serveReview)
	mux.HandleFunc(OrderPattern, c.serveOrder)
	mux.Handle("GET "+Path+"/assets/console.css", asset("text/css; charset=utf-8", []byte(console.Stylesheet())))
	for name, kind := range map[string]string{"page.css": "text/css; charset=utf-8", "console.js": "text/javascript; charset=utf-8"} {
		content, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		mux.Handle("GET "+Path+"/assets/"+name, asset(kind, content))
	}
	mux.HandleFunc(Path+"/", func(w http.ResponseWriter, r *http.Request) {
		Refuse(w, http.StatusNotFound, "There is no such page", "The console has nothing at "+r.URL.Path+".")
	})
	c.handler = guarded(mux)
	return c
}

// ServeHTTP serves the pages below [Path].
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.handler.ServeHTTP(w, r) }

// Close stops following the orders that were given here, which are spread on all the
// same, and waits until nothing of the console runs. Streams end with their requests.
func (c *Console) Close() {
	c.unwatch()
	c.orders.close()
	c.watching.Wait()
}

// watch looks at the counts of misses also while no page is open, so that a page that is opened
// in an incident knows when they happened.
func (c *Console) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	c.unwatch = cancel
	c.misses.look(time.Now(), c.directory.Registries())
	c.watching.Go(func() {
		tick := time.NewTicker(watchInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				c.misses.look(time.Now(), c.directory.Registries())
			case <-ctx.Done():
				return
			}
		}
	})
}

// snapshot returns how everything stands, at most an interval old for streams, and a tenth of it for a
// page that somebody has just asked for.
func (c *Console) snapshot(ctx context.Context, age time.Duration) *snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.latest; s != nil && time.Since(s.At) < age {
		return s
	}
	now := time.Now()
	// All who look share what is seen, so that nobody who goes away may end the look.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookPatience)
	defer cancel()
	s := &snapshot{State: c.source.State(ctx), At: now}
	s.Audit, s.Recorded = c.source.Audit(ctx)
	registries := c.directory.Registries()
	s.Registries = registryRows(registries)
	s.Misses, s.Lately = c.misses.report(now, registries)
	s.Watched = c.misses.since()
	s.Attention = attention(s)
	c.latest = s
	return s
}

// ages of a look that will do. Streams that tick at about the same time share one.
const tenth = 10

func (c *Console) streamAge() time.Duration { return c.interval - c.interval/tenth }

func (c *Console) pageAge() time.Duration { return c.interval / tenth }

// fresh forgets the latest look, after something was done.
func (c *Console) fresh() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest = nil
}

// asset serves a file that is part of the program.
func asset(kind string, content []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write(content) // a reader that went away needs no answer
	})
}
