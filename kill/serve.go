package kill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Timings of connections. A peer that is gone without a word is noticed when a ping that was sent
// after some silence stays without an answer. A hub pings its runtimes, and a runtime pings only if
// it has missed that; a thousand pings cost more than a thousand acknowledgements. Between hubs there
// are few connections and the stakes are high.
const (
	dialTimeout  = 500 * time.Millisecond
	pingAfter    = 2 * time.Second
	missedAfter  = 3 * time.Second
	pingWait     = time.Second
	hubPingAfter = 400 * time.Millisecond
	hubPingWait  = 600 * time.Millisecond
	helloTimeout = 5 * time.Second
	callTimeout  = 5 * time.Second
	// frameSize is the smallest that HTTP/2 allows. Each end of a stream keeps buffers of the
	// size that the other allows, and a megabyte would be a lot for a line now and then.
	frameSize = 16 << 10
)

// paths of the protocol.
const (
	pathRuntime = "/kill/v1/runtime" // the standing stream of a runtime
	pathForward = "/kill/v1/forward" // an order, and the stream of its acknowledgements
	pathGossip  = "/kill/v1/gossip"  // hashes, and orders if they differ
	pathOrders  = "/kill/v1/orders"  // orders that the other hub misses
	pathCount   = "/kill/v1/count"   // the impact of a kill in one region
	pathKill    = "/kill/v1/kill"    // a request, and the stream of its progress
	pathStatus  = "/kill/v1/status"
	pathForget  = "/kill/v1/forget"
	pathHash    = "/kill/v1/hash"
)

// An exchange is one request with its answer, both of them streams of messages.
type exchange struct {
	ctx  context.Context //nolint:containedctx // it is that of the request, for as long as the request
	peer identity
	in   *lineReader
	out  http.ResponseWriter
	ctl  *http.ResponseController

	mu    sync.Mutex // guards ended against abort, which must not touch out afterwards
	ended bool
}

// send writes the lines and flushes them.
func (x *exchange) send(lines []byte) error {
	if _, err := x.out.Write(lines); err != nil {
		return fmt.Errorf("kill: send: %w", err)
	}
	if err := x.ctl.Flush(); err != nil {
		return fmt.Errorf("kill: send: %w", err)
	}
	return nil
}

// receive reads a message that has to come soon. What follows may take its time.
func (x *exchange) receive() (message, error) {
	if err := x.ctl.SetReadDeadline(time.Now().Add(helloTimeout)); err != nil {
		return message{}, fmt.Errorf("kill: set the deadline: %w", err)
	}
	m, err := readMessage(x.in)
	if deadlineErr := x.ctl.SetReadDeadline(time.Time{}); err == nil && deadlineErr != nil {
		err = fmt.Errorf("kill: set the deadline: %w", deadlineErr)
	}
	return m, err
}

// abort ends what waits for the peer.
func (x *exchange) abort() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return
	}
	past := time.Unix(1, 0)
	_ = errors.Join(x.ctl.SetReadDeadline(past), x.ctl.SetWriteDeadline(past))
}

// end keeps abort from touching what belongs to the next request.
func (x *exchange) end() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = true
}

// Handler serves the protocol of the hub. [Hub.Serve] does so on a port of its own, which is what
// keeps a kill from waiting behind other traffic; a handler elsewhere needs HTTP/2 in both
// directions at once, and checks of its own that only loopback clients come without TLS.
func (h *Hub) Handler() http.Handler {
	mux := http.NewServeMux()
	handle := func(path string, serve func(*exchange) error, roles ...Role) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { h.exchange(w, r, serve, roles) })
	}
	handle(pathRuntime, h.serveRuntime, RoleRuntime)
	handle(pathForward, h.serveForward, RoleHub)
	handle(pathGossip, h.serveGossip, RoleHub)
	handle(pathOrders, h.serveOrders, RoleHub)
	handle(pathCount, h.serveCount, RoleHub)
	handle(pathKill, h.serveKill, RoleOperator)
	handle(pathForget, h.serveForget, RoleOperator)
	handle(pathStatus, h.serveStatus, RoleOperator, RoleHub)
	handle(pathHash, h.serveHash, RoleOperator, RoleHub, RoleRuntime)
	return mux
}

// exchange checks who asks, and serves.
func (h *Hub) exchange(w http.ResponseWriter, r *http.Request, serve func(*exchange) error, roles []Role) {
	if why := refuse(r); why != "" {
		http.Error(w, "kill: "+why, http.StatusForbidden)
		return
	}
	peer, err := identifyState(r.TLS)
	if err == nil && !peer.may(roles...) {
		err = &IdentityError{fmt.Sprintf("%s may not use %s, which is for %v", peer, r.URL.Path, roles)}
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if !h.enter() {
		http.Error(w, "kill: the hub is closing", http.StatusServiceUnavailable)
		return
	}
	defer h.work.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(h.ctx, cancel)()
	x := &exchange{ctx: ctx, peer: peer, in: newReader(r.Body), out: w, ctl: http.NewResponseController(w)}
	defer x.end()
	defer context.AfterFunc(ctx, x.abort)()
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.WriteHeader(http.StatusOK)
	err = x.ctl.Flush() // the client waits for it before it reads
	if err == nil {
		err = serve(x)
	}
	if err != nil && ctx.Err() == nil {
		h.log.Debug("kill: exchange ended", "path", r.URL.Path, "peer", peer.String(), "error", err)
		_ = x.send(message{Error: toRemote(err)}.line())
	}
}

// refuse says why a request is not served: a browser has no business here, whatever page it shows,
// and a name that is not this machine's own may be one that somebody else's DNS points here.
func refuse(r *http.Request) string {
	switch {
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" || r.Header.Get("Sec-Fetch-Mode") != "":
		return "requests of browsers are refused"
	case r.ProtoMajor != 2:
		return "HTTP/2 is needed"
	case r.TLS != nil:
		return ""
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !loopback(host) || !loopback(from) {
		return "without TLS only loopback addresses are served"
	}
	return ""
}

// Serve accepts connections until Close, and returns nil then, also if Close came first. It closes
// the listener. Without TLS the listener has to be on a loopback address.
func (h *Hub) Serve(listener net.Listener) error {
	if err := checkAddress(listener.Addr().String(), h.options.TLS); err != nil {
		return err
	}
	server := &http.Server{
		Handler:           h.Handler(),
		ReadHeaderTimeout: helloTimeout,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(h.log.Handler(), slog.LevelDebug),
		Protocols:         new(http.Protocols),
		HTTP2:             &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWait, MaxReadFrameSize: frameSize},
	}
	if h.options.TLS != nil {
		server.TLSConfig = serverTLS(h.options.TLS)
		server.Protocols.SetHTTP2(true)
	} else {
		server.Protocols.SetUnencryptedHTTP2(true)
	}
	if !h.enter() {
		_ = listener.Close() // as http.Server does that is closed before it serves
		return nil
	}
	defer h.work.Done()
	stop := context.AfterFunc(h.ctx, func() { _ = server.Close() })
	defer stop()
	var err error
	if h.options.TLS != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if h.ctx.Err() != nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("kill: serve %s: %w", listener.Addr(), err)
}
