package consolepage

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// patience is how long a reader of a stream may take to take what is sent.
const patience = 10 * time.Second

func streamPath(p *page, arg string) string {
	query := url.Values{"page": {p.name}}
	if arg != "" {
		query.Set("arg", arg)
	}
	return Path + "/events?" + query.Encode()
}

// serveEvents answers with a stream of server-sent events:
//
//	part   a part of the page that has changed: {"id": …, "html": …}
//	say    what has happened, in words, for those who do not see it
//	gone   what the page is about is not there any more
//	beat   the time of the daemon's clock, at least once in an interval
//
// All parts come first.
func (c *Console) serveEvents(w http.ResponseWriter, r *http.Request) {
	p := pageNamed(r.URL.Query().Get("page"))
	if p == nil {
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	}
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, fmt.Sprintf("%d pages are open already; close one", maxStreams), http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream")
	out := &events{w: w, control: http.NewResponseController(w), patience: c.patience}
	told := make(map[string]string)
	tick := time.NewTicker(c.interval)
	defer tick.Stop()
	var before *snapshot
	for out.err == nil {
		changed := c.orders.next() // before looking, so that no change is missed
		s := c.snapshot(ctx, c.streamAge())
		v := c.view(s, p, r.URL.Query().Get("arg"))
		if v == nil {
			out.send("gone", struct{}{})
			return
		}
		for _, part := range p.render(v) {
			if told[part.ID] != string(part.HTML) {
				told[part.ID] = string(part.HTML)
				out.send("part", part)
			}
		}
		if before != nil {
			for _, text := range happened(before, s) {
				out.send("say", struct {
					Text string `json:"text"`
				}{text})
			}
		}
		before = s
		out.send("beat", struct {
			At string `json:"at"`
		}{clock(s.At)})
		out.flush()
		select {
		case <-tick.C:
		case <-changed:
		case <-ctx.Done():
			return
		case <-c.closing:
			return
		}
	}
}

// events writes server-sent events until one cannot be written in time.
type events struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
	err      error
}

func (e *events) send(name string, data any) {
	if e.err != nil {
		return
	}
	var line bytes.Buffer
	encoder := json.NewEncoder(&line)
	if e.err = encoder.Encode(data); e.err != nil {
		return
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(e.patience)) // what cannot have one is not slow either, as a recorder in a test
	_, e.err = fmt.Fprintf(e.w, "event: %s\ndata: %s\n", name, line.Bytes())
}

func (e *events) flush() {
	if e.err == nil {
		e.err = e.control.Flush()
	}
}
