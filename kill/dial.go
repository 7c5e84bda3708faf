package kill

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// A Peer is a hub: that of its region, under each of the addresses, HOST:PORT.
type Peer struct {
	Region    string   `json:"region"`
	Addresses []string `json:"addresses"`
}

func (p Peer) key() string { return p.Region + " " + strings.Join(p.Addresses, " ") }

// check refuses a peer that cannot be dialled.
func (p Peer) check(config *tls.Config) error {
	if len(p.Addresses) == 0 {
		return fmt.Errorf("kill: the hub of region %q has no address", p.Region)
	}
	for _, address := range p.Addresses {
		if err := checkAddress(address, config); err != nil {
			return err
		}
	}
	return nil
}

// A line is the way to one hub.
type line struct {
	peer   Peer
	scheme string
	client *http.Client
	close  func()
	at     atomic.Int64 // the address that worked
}

func newLine(peer Peer, config *tls.Config) *line {
	return pingingLine(peer, config, missedAfter, pingWait)
}

func pingingLine(peer Peer, config *tls.Config, after, wait time.Duration) *line {
	transport := &http.Transport{
		DialContext:           (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSHandshakeTimeout:   2 * dialTimeout,
		ResponseHeaderTimeout: callTimeout,
		Protocols:             new(http.Protocols),
		DisableCompression:    true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: after, PingTimeout: wait, MaxReadFrameSize: frameSize},
	}
	l := &line{peer: peer, scheme: "http", close: transport.CloseIdleConnections}
	if config != nil {
		l.scheme = "https"
		transport.TLSClientConfig = clientTLS(config, peer.Region)
		transport.Protocols.SetHTTP2(true)
	} else {
		transport.Protocols.SetUnencryptedHTTP2(true)
	}
	l.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return l
}

// A stream is an open request to a hub.
type stream struct {
	address string
	in      *lineReader
	body    io.Closer
	cancel  context.CancelFunc

	mu  sync.Mutex // orders the messages of several senders
	out *io.PipeWriter
}

// open starts a request at the first of the hub's addresses that answers, with a first message.
func (l *line) open(ctx context.Context, path string, first message) (*stream, error) {
	start := l.at.Load()
	var errs []error
	for i := range l.peer.Addresses {
		at := (int(start) + i) % len(l.peer.Addresses)
		s, err := l.openAt(ctx, l.peer.Addresses[at], path, first)
		if err == nil {
			l.at.Store(int64(at))
			return s, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (l *line) openAt(ctx context.Context, address, path string, first message) (*stream, error) {
	ctx, cancel := context.WithCancel(ctx)
	reader, writer := io.Pipe()
	// While it waits for more of the body, the transport does not notice that the request is
	// over.
	context.AfterFunc(ctx, func() { _ = reader.CloseWithError(context.Canceled) })
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.scheme+"://"+address+path, &prefixed{first.line(), reader})
	if err != nil {
		cancel()
		return nil, fmt.Errorf("kill: %w", err)
	}
	response, err := l.client.Do(request)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("kill: reach the hub of region %q: %w", l.peer.Region, err)
	}
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 512))
		_ = response.Body.Close()
		cancel()
		return nil, fmt.Errorf("kill: the hub of region %q refuses: %s: %s", l.peer.Region, response.Status, strings.TrimSpace(string(text)))
	}
	return &stream{address: address, in: newReader(response.Body), body: response.Body, cancel: cancel, out: writer}, nil
}

// prefixed is a body that starts with the first message: it is sent along with the headers, while
// a write to a pipe would wait for somebody to read it.
type prefixed struct {
	first []byte
	rest  *io.PipeReader
}

func (p *prefixed) Read(to []byte) (int, error) {
	if len(p.first) == 0 {
		return p.rest.Read(to) //nolint:wrapcheck // it is the reader
	}
	n := copy(to, p.first)
	p.first = p.first[n:]
	return n, nil
}

func (p *prefixed) Close() error { return p.rest.Close() } //nolint:wrapcheck // likewise

func (s *stream) send(m message) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.out.Write(m.line()); err != nil {
		return fmt.Errorf("kill: send: %w", err)
	}
	return nil
}

// receive reads a message; an error that the hub sent is an error.
func (s *stream) receive() (message, error) {
	m, err := readMessage(s.in)
	if err == nil && m.Error != nil {
		err = m.Error.err()
	}
	return m, err
}

// end says that nothing more will be sent.
func (s *stream) end() { _ = s.out.Close() }

func (s *stream) close() {
	_ = s.out.CloseWithError(io.ErrClosedPipe)
	s.cancel()
	_ = s.body.Close()
}
