package consolepage

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/roster-go/roster/kill"
)

// countWait bounds the question what a kill would hit.
const countWait = 5 * time.Second

func pathEscape(name string) string { return url.PathEscape(name) }

// killLink leads to the form for a target.
func killLink(t kill.Target) string {
	return Path + "/kill?" + url.Values{"target": {t.String()}}.Encode()
}

// A killForm is what the two steps of an order ask for and show.
type killForm struct {
	ID      string // of the order to be, so that a form that is sent twice gives one order
	Target  string
	Name    string // what is to be typed
	Reason  string
	By      string
	Caller  string // who has signed in, "" if nobody has to
	Revive  bool
	Force   bool
	Problem string // what keeps the step from being done
	Field   string // which field it is about
	Report  *kill.Report
	Known   []string // targets to choose from

	target kill.Target
}

var orderID = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// readForm reads and checks what both steps have in common.
func (c *Console) readForm(r *http.Request) killForm {
	f := killForm{
		ID: r.FormValue("id"), Target: strings.TrimSpace(r.FormValue("target")), Reason: strings.TrimSpace(r.FormValue("reason")),
		By: strings.TrimSpace(r.FormValue("by")), Revive: r.FormValue("revive") != "", Force: r.FormValue("force") != "",
		Caller: c.source.Caller(r).Name,
	}
	if f.Caller != "" {
		f.By = f.Caller[:min(len(f.Caller), kill.MaxBy)]
	}
	if !orderID.MatchString(f.ID) {
		f.ID = rand.Text()
	}
	return f
}

// check says what is wrong with the first step.
func (f *killForm) check() {
	fail := func(field, format string, args ...any) {
		if f.Problem == "" {
			f.Field, f.Problem = field, fmt.Sprintf(format, args...)
		}
	}
	var err error
	if f.target, err = kill.ParseTarget(f.Target); err != nil {
		fail("target", "%s", strings.TrimPrefix(err.Error(), "kill: "))
	} else if _, f.Name, _ = strings.Cut(f.Target, "/"); f.target.Kind == kill.KindCanary {
		fail("target", "Canaries are the hub's own.")
	}
	switch {
	case f.Reason == "":
		fail("reason", "Say why: everybody whom it hits will ask.")
	case len(f.Reason) > kill.MaxReason || strings.ContainsAny(f.Reason, "\r\n\t"):
		fail("reason", "A reason is one line of at most %d bytes.", kill.MaxReason)
	case f.By == "":
		fail("by", "Say who you are: it is recorded with the order.")
	case len(f.By) > kill.MaxBy:
		fail("by", "A name has at most %d bytes.", kill.MaxBy)
	}
}

func (f *killForm) request() kill.Request {
	return kill.Request{Target: f.target, Reason: f.Reason, By: f.By, Revive: f.Revive, Force: f.Force}
}

// Verb is what the form does.
func (f *killForm) Verb() string {
	if f.Revive {
		return "Revive"
	}
	return "Kill"
}

// serveKillForm is the first step: what, and why.
func (c *Console) serveKillForm(w http.ResponseWriter, r *http.Request) {
	f := c.readForm(r)
	c.firstStep(w, r, http.StatusOK, f)
}

func (c *Console) firstStep(w http.ResponseWriter, r *http.Request, status int, f killForm) {
	s := c.snapshot(r.Context(), c.pageAge())
	f.Known = targets(s, f.Revive)
	l := c.layout(r, s, f.Verb()+" something", "kill", "kills")
	l.Body = &f
	writePage(w, status, "killform", l)
}

// serveReview is the way from the first step to the second: what it would hit is counted.
func (c *Console) serveReview(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	f := c.readForm(r)
	f.check()
	if f.Problem != "" {
		c.firstStep(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	c.secondStep(w, r, http.StatusOK, f)
}

func (c *Console) secondStep(w http.ResponseWriter, r *http.Request, status int, f killForm) {
	if !f.Revive {
		ctx, cancel := context.WithTimeout(r.Context(), countWait)
		defer cancel()
		request := f.request()
		request.DryRun = true
		report, err := c.source.Kill(ctx, request, func(kill.Progress) {})
		if err != nil {
			f.Problem, f.Field = "What it would hit could not be counted: "+err.Error(), "target"
			c.firstStep(w, r, http.StatusServiceUnavailable, f)
			return
		}
		f.Report = &report
	}
	l := c.layout(r, c.snapshot(r.Context(), c.pageAge()), f.Verb()+" "+f.Target, "kill", "kills")
	l.Body = &f
	writePage(w, status, "killreview", l)
}

// serveOrder is the second step: the name was typed, and the order goes out.
func (c *Console) serveOrder(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	f := c.readForm(r)
	f.check()
	if f.Problem != "" {
		c.firstStep(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	if typed := strings.TrimSpace(r.FormValue("confirm")); typed != f.Name && typed != f.Target {
		f.Field, f.Problem = "confirm", fmt.Sprintf("Nothing was done: what you typed is not %s.", f.Name)
		c.secondStep(w, r, http.StatusUnprocessableEntity, f)
		return
	}
	unrecorded := c.source.Record(r.Context(), f.request())
	if err := c.orders.give(f.ID, f.request(), unrecorded); err != nil {
		f.Field, f.Problem = "confirm", "Nothing was done: "+err.Error()
		c.secondStep(w, r, http.StatusServiceUnavailable, f)
		return
	}
	c.log.Info("an order was given on the console", "target", f.Target, "revive", f.Revive, "by", f.By)
	c.fresh()
	http.Redirect(w, r, Path+"/kills/"+f.ID, http.StatusSeeOther)
}

// targets are those that one may mean.
func targets(s *snapshot, revive bool) []string {
	var list []string
	if revive {
		for _, o := range s.Standing() {
			list = append(list, o.Target.String())
		}
		return list
	}
	for i := range s.Plugins {
		list = append(list, kill.Plugin(s.Plugins[i].Name, "").String(), kill.Plugin(s.Plugins[i].Name, s.Plugins[i].Version).String())
	}
	for i := range s.Capabilities {
		list = append(list, kill.Capability(s.Capabilities[i].Name).String())
	}
	for _, i := range s.Instances.Instances {
		list = append(list, kill.Instance(i.Service, i.ID).String())
	}
	const enough = 500
	return list[:min(len(list), enough)]
}
