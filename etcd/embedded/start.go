package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
	"google.golang.org/grpc"

	"github.com/roster-go/roster/etcd/internal/zapslog"
)

const (
	startTimeout = time.Minute // bounds Start; replaying a long log from a slow disk takes seconds
	portAttempts = 5           // how often a free port is looked for if somebody else takes it first
)

// Start starts a server and returns when it answers. It waits for as long as ctx lets it,
// but not for more than a minute; afterwards ctx has no influence. The errors are
// [*ListenError], [*DirError], [*LockedError], [*DataError] and [*TimeoutError].
func Start(ctx context.Context, config Config) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("embedded etcd: not started: %w", err)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	requested, err := parseListen(config.ClientListen)
	if err != nil {
		return nil, err
	}
	if config.Dir == "" {
		return nil, &DirError{Err: errNoDir}
	}
	for attempt := 1; ; attempt++ {
		server, err := start(ctx, config, requested)
		if err == nil {
			return server, nil
		}
		if requested.Port() != 0 || attempt == portAttempts || !errors.Is(err, syscall.EADDRINUSE) {
			return nil, err
		}
	}
}

// start makes one attempt. It holds the lock of the directory for as long as anything of
// the attempt is left.
func start(ctx context.Context, config Config, requested netip.AddrPort) (*Server, error) {
	began := time.Now()
	lock, err := lockDir(config.Dir)
	if err != nil {
		return nil, err
	}
	listen, err := probe(ctx, requested)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s := &Server{
		dir:      config.Dir,
		endpoint: "http://" + listen.String(),
		log:      config.Logger,
		lock:     lock,
		closed:   make(chan struct{}),
	}
	started := make(chan error, 1)
	go func() { started <- s.run(config, listen) }()
	select {
	case err := <-started:
		if err != nil {
			return nil, errors.Join(err, lock.Close())
		}
	case <-ctx.Done():
		go func() { // etcd cannot be interrupted while it starts
			if err := <-started; err != nil {
				_ = lock.Close() // the caller has been told that the start failed
				return
			}
			s.closing.Do(s.stop)
		}()
		return nil, &TimeoutError{Dir: config.Dir, Action: "start", After: time.Since(began), Err: context.Cause(ctx)}
	}
	s.failures.Go(s.logFailures)
	select {
	case <-s.etcd.Server.ReadyNotify():
		return s, nil
	case <-s.etcd.Server.StopNotify():
		return nil, errors.Join(&DataError{Dir: config.Dir, Err: errStopped}, s.Close(context.WithoutCancel(ctx)))
	case <-ctx.Done():
		timeout := &TimeoutError{Dir: config.Dir, Action: "start", After: time.Since(began), Err: context.Cause(ctx)}
		s.closing.Do(func() { go s.stop() })
		return nil, timeout
	}
}

var errStopped = errors.New("the server stopped by itself; its log says why")

// probe takes the port for a moment, which yields a better error than etcd's, before it
// touched the directory, and a number for port 0, which etcd writes into its records.
func probe(ctx context.Context, requested netip.AddrPort) (netip.AddrPort, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", requested.String())
	if err != nil {
		return netip.AddrPort{}, listenError(requested, err)
	}
	listen, err := netip.ParseAddrPort(listener.Addr().String())
	return listen, errors.Join(err, listener.Close())
}

func listenError(address netip.AddrPort, err error) error {
	fault := "cannot be listened on"
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		fault = "is already in use by another program"
	case errors.Is(err, os.ErrPermission):
		fault = "needs more rights than this user has"
	}
	return &ListenError{Address: address.String(), Fault: fault, Err: err}
}

// run starts etcd. Damaged data make etcd panic, or log at fatal level, which would end the
// process; both become errors. What etcd had opened by then stays open.
func (s *Server) run(config Config, listen netip.AddrPort) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = startError(config.Dir, reason)
		}
	}()
	log := slog.New(stopHandler{config.Logger.Handler(), &s.stopping})
	settings := etcdConfig(config, listen, zapslog.New(log).WithOptions(zap.WithFatalHook(fatalHook{}), zap.WithPanicHook(fatalHook{})))
	settings.ServiceRegister = func(serving *grpc.Server) { s.serving.Store(serving) }
	s.etcd, err = embed.StartEtcd(settings)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EADDRINUSE):
		return listenError(listen, err)
	default:
		return startError(config.Dir, err)
	}
}

// startError tells a directory that cannot be written from data that cannot be read.
func startError(dir string, reason any) error {
	err, ok := reason.(error)
	if !ok {
		err = fmt.Errorf("%v", reason)
	}
	for _, cause := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, fs.ErrPermission} {
		if errors.Is(err, cause) {
			return &DirError{Dir: dir, Err: err}
		}
	}
	return &DataError{Dir: dir, Err: err}
}
