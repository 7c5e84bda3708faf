package router_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
	"github.com/roster-go/roster/router"
)

func quiet() roster.HotOption { return roster.In(roster.NewDirectory()) }

var words = []string{"a", "b", "ab", "abc", "b.c", "%61", "x%20y"}

// randomPattern is a pattern that http.ServeMux and a router both understand.
func randomPattern(random *rand.Rand) string {
	var b strings.Builder
	b.WriteString([]string{"", "", "GET ", "GET ", "POST ", "HEAD "}[random.IntN(6)])
	b.WriteString([]string{"", "", "", "h.test"}[random.IntN(4)])
	names := 0
	for n := random.IntN(4); ; n-- {
		b.WriteByte('/')
		last := n == 0
		switch kind := random.IntN(8); {
		case last && kind == 0:
			b.WriteString("{$}")
		case last && kind == 1:
			fmt.Fprintf(&b, "{n%d...}", names)
		case last && kind <= 3:
		case kind <= 5:
			fmt.Fprintf(&b, "{n%d}", names)
			names++
		default:
			b.WriteString(words[random.IntN(len(words))])
		}
		if last {
			return b.String()
		}
	}
}

func randomRequest(random *rand.Rand) *http.Request {
	var b strings.Builder
	for range random.IntN(5) {
		b.WriteString("/" + append(words, "", ".", "..", "c", "a%2Fb", "%2E")[random.IntN(len(words)+6)])
	}
	if random.IntN(3) == 0 || b.Len() == 0 {
		b.WriteByte('/')
	}
	u, err := url.ParseRequestURI(b.String())
	if err != nil {
		panic(err)
	}
	u.RawQuery = []string{"", "q=1"}[random.IntN(2)]
	return &http.Request{
		Method: []string{"GET", "HEAD", "POST", "PUT"}[random.IntN(4)],
		Host:   []string{"h.test", "h.test:80", "other.test"}[random.IntN(3)],
		URL:    u, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

// answer serves a request and tells all that can be seen of it.
func answer(h http.Handler, r *http.Request) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.Clone(r.Context()))
	return fmt.Sprintf("%d %q allow=%q location=%q", w.Code, w.Body.String(), w.Header().Get("Allow"), w.Header().Get("Location"))
}

// A router and http.ServeMux, given the same patterns and requests, refuse the same
// patterns and give the same answers.
func TestRouterAgreesWithServeMux(t *testing.T) {
	t.Parallel()
	tables := 3000
	if testing.Short() {
		tables = 300
	}
	for seed := range uint64(tables) {
		random := rand.New(rand.NewPCG(seed, 4))
		mux, r := http.NewServeMux(), router.New(quiet())
		var patterns []string
		for range 1 + random.IntN(12) {
			pattern := randomPattern(random)
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, pattern)
				for i := range 4 {
					fmt.Fprintf(w, " %q", r.PathValue(fmt.Sprint("n", i)))
				}
			})
			muxErr := registered(func() { mux.Handle(pattern, h) })
			err := r.TryHandle(pattern, h)
			if (muxErr == "") != (err == nil) {
				t.Fatalf("seed %d: %q after %q: ServeMux says %q, the router %v", seed, pattern, patterns, muxErr, err)
			}
			if err == nil {
				patterns = append(patterns, pattern)
			}
		}
		for range 40 {
			req := randomRequest(random)
			want, got := answer(mux, req), answer(r, req)
			if strings.Contains(want, "location") && strings.Contains(req.URL.EscapedPath(), "%") {
				want, got = strings.ReplaceAll(want, "%25", "%"), strings.ReplaceAll(got, "%25", "%") // ServeMux escapes it again
			}
			if got != want {
				t.Fatalf("seed %d: %s %s%s with %q:\nServeMux %s\nrouter   %s",
					seed, req.Method, req.Host, req.URL, patterns, want, got)
			}
		}
	}
}

func registered(register func()) (refused string) {
	defer func() {
		if v := recover(); v != nil {
			refused = fmt.Sprint(v)
		}
	}()
	register()
	return ""
}

// Routes that come and go leave the same tree as if they had never been there.
func TestRouterAfterRemovalAgreesWithServeMux(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		random := rand.New(rand.NewPCG(seed, 5))
		r := router.New(quiet())
		live := map[string]http.Handler{}
		for range 60 {
			pattern := randomPattern(random)
			h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, pattern) })
			if _, there := live[pattern]; there || random.IntN(2) == 0 {
				for gone := range live {
					assert.NoError(t, r.Remove(gone))
					delete(live, gone)
					break
				}
			} else if r.TryHandle(pattern, h) == nil {
				live[pattern] = h
			}
		}
		mux := http.NewServeMux()
		for pattern, h := range live {
			mux.Handle(pattern, h)
		}
		for range 40 {
			req := randomRequest(random)
			if strings.Contains(req.URL.EscapedPath(), "%") {
				continue
			}
			if want, got := answer(mux, req), answer(r, req); got != want {
				t.Fatalf("seed %d: %s %s%s:\nServeMux %s\nrouter   %s", seed, req.Method, req.Host, req.URL, want, got)
			}
		}
	}
}

// The witness of a conflict is served by either route alone.
func TestWitnessMatchesBoth(t *testing.T) {
	t.Parallel()
	conflicts := 0
	for seed := range uint64(20_000) {
		random := rand.New(rand.NewPCG(seed, 6))
		r := router.New(quiet())
		one, other := randomPattern(random), randomPattern(random)
		ok := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		r.Handle(one, ok)
		err := r.TryHandle(other, ok)
		clash, is := asConflict(err)
		if !is {
			continue
		}
		conflicts++
		method, rest, _ := strings.Cut(clash.Witness, " ")
		slash := strings.IndexByte(rest, '/')
		for _, pattern := range []string{one, other} {
			alone := router.New(quiet())
			alone.Handle(pattern, ok)
			u, err := url.Parse(rest[slash:])
			assert.NoError(t, err)
			_, served := alone.Handler(&http.Request{Method: method, Host: rest[:slash], URL: u})
			if served == "" {
				t.Fatalf("seed %d: %q does not match the witness %q of its conflict:\n%v", seed, pattern, clash.Witness, clash)
			}
		}
	}
	if conflicts < 100 {
		t.Errorf("only %d conflicts were tried", conflicts)
	}
}
