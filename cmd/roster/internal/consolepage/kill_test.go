package consolepage

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/roster-go/roster/kill"
)

// post sends a form as a browser does from a page of the same origin.
func post(t *testing.T, address string, form url.Values, change func(*http.Request)) (answer, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(req)
	}
	return do(t, req)
}

var idField = regexp.MustCompile(`name="id" value="([A-Z2-7]{26})"`)

// Without a script a kill takes two forms: what and why, then the name. What is incomplete
// orders nothing.
func TestKillTakesTwoSteps(t *testing.T) {
	source := &fakeSource{state: full(), hold: make(chan struct{})}
	_, server, _ := newConsole(t, source, Options{})
	review, order := server.URL+Path+"/kill/review", server.URL+Path+"/kill/order"
	form := url.Values{"target": {"plugin/markdown"}, "reason": {"leaks " + hostile}, "by": {"ann"}}

	for field, part := range map[string]string{"target": "is no target", "reason": "Say why", "by": "Say who you are"} {
		broken := maps.Clone(form)
		broken.Del(field)
		for _, address := range []string{review, order} {
			if res, body := post(t, address, broken, nil); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, part) || !strings.Contains(body, `aria-invalid="true"`) {
				t.Errorf("without %s: %d %s", field, res.StatusCode, body)
			}
		}
	}
	res, body := post(t, review, form, nil)
	if res.StatusCode != http.StatusOK || !strings.Contains(body, "It hits 1 implementation.") || !strings.Contains(body, "Type <code>markdown</code>") || forbidden.MatchString(body) {
		t.Fatalf("the second step: %d %s", res.StatusCode, body)
	}
	form.Set("id", idField.FindStringSubmatch(body)[1])
	form.Set("confirm", "markdwn")
	if res, body := post(t, order, form, nil); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body, "Nothing was done") {
		t.Errorf("a slip in the name: %d %s", res.StatusCode, body)
	}
	if given := source.given(); len(given) != 0 {
		t.Fatalf("ordered without a confirmation: %v", given)
	}
	form.Set("confirm", "markdown")
	var where string
	for range 2 { // a form that is sent twice is one order
		res, body := post(t, order, form, nil)
		where = res.Header.Get("Location")
		if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(where, Path+"/kills/") {
			t.Fatalf("the order: %d %s", res.StatusCode, body)
		}
	}
	events := follow(t, server.URL+Path+"/events?page=order&arg="+strings.TrimPrefix(where, Path+"/kills/"))
	await(t, events, "half of the acknowledgements", func(e event) bool { return strings.Contains(e.data, "1 of 2 have acknowledged") })
	if _, body := get(t, server.URL+where); !strings.Contains(body, `http-equiv="refresh"`) || !strings.Contains(body, "pending") {
		t.Errorf("while it is under way: %s", body)
	}
	close(source.hold)
	await(t, events, "all acknowledgements", func(e event) bool {
		return strings.Contains(e.data, "2 of 2 have acknowledged") && strings.Contains(e.data, "acknowledged by all")
	})
	if given := source.given(); len(given) != 1 || given[0].By != "ann" || given[0].Target != kill.Plugin("markdown", "") || given[0].Force {
		t.Errorf("ordered: %+v", given)
	}
	if _, body := get(t, server.URL+where); strings.Contains(body, `http-equiv="refresh"`) || !strings.Contains(body, "Revive it") || forbidden.MatchString(body) {
		t.Errorf("when it is over: %s", body)
	}
	if _, body := get(t, server.URL+Path+"/kills"); !strings.Contains(body, "Given on this console") {
		t.Errorf("the list: %s", body)
	}
}

// The last implementation is killed only if that was ticked.
func TestKillOfTheLastImplementation(t *testing.T) {
	source := &fakeSource{state: full(), last: true, caller: "signed-in"}
	_, server, _ := newConsole(t, source, Options{})
	form := url.Values{"target": {"plugin/markdown"}, "reason": {"test"}, "by": {"somebody else"}, "confirm": {"markdown"}}
	_, body := post(t, server.URL+Path+"/kill/review", form, nil)
	if !strings.Contains(body, "although it is the last implementation") {
		t.Fatalf("the second step: %s", body)
	}
	for force, part := range map[string]string{"": "nothing was ordered", "1": "acknowledged by all"} {
		form.Set("force", force)
		res, _ := post(t, server.URL+Path+"/kill/order", form, nil)
		where := res.Header.Get("Location")
		events := follow(t, server.URL+Path+"/events?page=order&arg="+strings.TrimPrefix(where, Path+"/kills/"))
		await(t, events, part, func(e event) bool { return strings.Contains(e.data, part) })
	}
	for _, given := range source.given() {
		if given.By != "signed-in" {
			t.Errorf("ordered by %q, and not by who has signed in", given.By)
		}
	}
}

// A form that another site has made is refused with a page, and orders nothing.
func TestForgedFormsAreRefused(t *testing.T) {
	source := &fakeSource{state: full()}
	_, server, _ := newConsole(t, source, Options{})
	form := url.Values{"target": {"plugin/markdown"}, "reason": {"test"}, "by": {"mallory"}, "confirm": {"markdown"}}
	for name, change := range map[string]func(*http.Request){
		"cross-site":     func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"same-site":      func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") },
		"another origin": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://evil.example") },
		"no origin":      func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "null") },
	} {
		for _, path := range []string{"/kill/review", "/kill/order"} {
			res, body := post(t, server.URL+Path+path, form, change)
			if res.StatusCode != http.StatusForbidden || !strings.Contains(body, "Nothing was done") || !strings.Contains(body, "<h1>") {
				t.Errorf("%s to %s: %d %s", name, path, res.StatusCode, body)
			}
		}
	}
	if given := source.given(); len(given) != 0 {
		t.Errorf("ordered: %+v", given)
	}
}

// A form that has given an order and is gone back to gives no other one.
func TestFormIsForOneOrder(t *testing.T) {
	source := &fakeSource{state: full()}
	_, server, _ := newConsole(t, source, Options{})
	form := url.Values{
		"id": {strings.Repeat("A", 26)}, "target": {"plugin/markdown"}, "reason": {"test"}, "by": {"ann"}, "confirm": {"markdown"},
	}
	if res, body := post(t, server.URL+Path+"/kill/order", form, nil); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	form.Set("target", "plugin/thumbnail")
	form.Set("confirm", "thumbnail")
	if res, body := post(t, server.URL+Path+"/kill/order", form, nil); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "another order") {
		t.Errorf("another target under the same id: %d %s", res.StatusCode, body)
	}
	if target := kill.Plugin("thumbnail", ""); slices.ContainsFunc(source.given(), func(r kill.Request) bool { return r.Target == target }) {
		t.Error("it was given all the same")
	}
}

// Orders that nobody acknowledges do not pile up.
func TestOrdersAreBounded(t *testing.T) {
	source := &fakeSource{state: full(), hold: make(chan struct{})}
	c, server, _ := newConsole(t, source, Options{})
	form := url.Values{"target": {"plugin/markdown"}, "reason": {"test"}, "by": {"ann"}, "confirm": {"markdown"}}
	for range runningOrders {
		if res, body := post(t, server.URL+Path+"/kill/order", form, nil); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", res.StatusCode, body)
		}
	}
	if res, body := post(t, server.URL+Path+"/kill/order", form, nil); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "roster kill") {
		t.Errorf("one more: %d %s", res.StatusCode, body)
	}
	c.orders.close() // ends them, and they say how far they came
	for _, p := range c.orders.recent() {
		if p.Outcome() != "not acknowledged by all" || p.Level() != "bad" {
			t.Errorf("an order that was left: %s", p.Outcome())
		}
	}
}
