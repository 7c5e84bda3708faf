package discoveryhttp_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/discovery/discoveryhttp"
	"github.com/roster-go/roster/discovery/pick"
)

func TestHostsAndCase(t *testing.T) {
	t.Parallel()
	capital, lower := echo(t, "capital"), echo(t, "lower")
	_, view := fleet(t,
		discovery.Instance{Service: "Payments", ID: "a", Address: strings.TrimPrefix(capital.URL, "http://")},
		discovery.Instance{Service: "mail", ID: "a", Address: strings.TrimPrefix(lower.URL, "http://")})
	c := client(t, view, discoveryhttp.Options{Suffix: ".Corp"})
	for host, want := range map[string]string{
		"Payments.Corp": "capital", "Payments.corp": "capital", "mail.CORP": "lower", "MAIL.corp": "lower",
	} {
		if got := get(t, c, "http://"+host+"/"); !strings.HasPrefix(got, want+" ") {
			t.Errorf("%s was answered by %q", host, got)
		}
	}
	_, err := c.Get("http://payments.corp/") //nolint:bodyclose // there is none
	if !errors.Is(err, pick.ErrNone) {
		t.Errorf("payments, which is another service: %v", err)
	}
}

// Names that nobody serves, which may come from outside, cost the services nothing: they
// keep what is known about their instances.
func TestUnknownNamesDoNotFillTheTransport(t *testing.T) {
	t.Parallel()
	var sickCalls atomic.Int64
	sick := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		sickCalls.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(sick.Close)
	good := echo(t, "good")
	_, view := fleet(t,
		discovery.Instance{Service: "pay", ID: "sick", Address: strings.TrimPrefix(sick.URL, "http://")},
		discovery.Instance{Service: "pay", ID: "good", Address: strings.TrimPrefix(good.URL, "http://")})
	c := client(t, view, discoveryhttp.Options{Pick: pick.Options{Outliers: pick.Outliers{Failures: 3, Ejection: time.Hour}}})
	for n := range discoveryhttp.MaxServices + 1 {
		_, err := c.Get(fmt.Sprintf("http://nobody-%d.roster/", n)) //nolint:bodyclose // there is none
		if !errors.Is(err, pick.ErrNone) {
			t.Fatalf("a name that nobody serves: %v", err)
		}
	}
	for range 30 {
		get(t, c, "http://pay.roster/")
	}
	if n := sickCalls.Load(); n != 3 {
		t.Errorf("the sick instance got %d of 30 calls, want 3", n)
	}
}
