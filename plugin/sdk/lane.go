package sdk

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"sync"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
	"github.com/roster-go/roster/plugin/internal/handshake"
	"github.com/roster-go/roster/plugin/internal/lane"
	"github.com/roster-go/roster/plugin/internal/traceparent"
	"github.com/roster-go/roster/plugin/internal/unary"
)

// A laneServer answers unary calls over a lane, by the methods that gRPC serves too.
type laneServer struct {
	*server
	path     string
	methods  unary.Methods
	tooLarge []byte

	listener net.Listener
	serving  sync.WaitGroup
}

// listenLane listens for a lane if the host would like one and there is a place for it.
func (s *server) listenLane(ctx context.Context) *laneServer {
	dir := os.Getenv("PLUGIN_UNIX_SOCKET_DIR")
	if os.Getenv(handshake.Lane) != handshake.LaneVersion || dir == "" {
		return nil
	}
	path := filepath.Join(dir, "lane")
	listener, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		s.log.Warn("no lane, calls come over gRPC", "error", err)
		return nil
	}
	l := &laneServer{
		server: s, path: path, listener: listener, methods: unary.Methods{},
		tooLarge: failure(status.Errorf(codes.ResourceExhausted, "the answer has more than %d bytes", handshake.MaxMessage)),
	}
	l.methods.Add(&pluginv1.FunctionService_ServiceDesc, s)
	for _, service := range s.services {
		l.methods.Add(service.desc, service.impl)
	}
	l.serving.Go(func() { l.accept(ctx) })
	return l
}

// accept serves every connection until the listener is closed.
func (l *laneServer) accept(ctx context.Context) {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.serving.Go(func() { lane.Serve(ctx, conn, handshake.MaxMessage, l.answer, l.tooLarge) })
	}
}

// close stops listening. The calls that run end with the context of listenLane.
func (l *laneServer) close() {
	if l == nil {
		return
	}
	_ = l.listener.Close()
	l.serving.Wait()
}

// socket is where the lane is, or "".
func (l *laneServer) socket() string {
	if l == nil {
		return ""
	}
	return l.path
}

// answer runs one call as gRPC would.
func (l *laneServer) answer(ctx context.Context, r lane.Request) (message []byte, ok bool) {
	defer func() {
		if v := recover(); v != nil {
			message, ok = failure(l.panicked(r.Method, v)), false
		}
	}()
	var md metadata.MD
	if len(r.Metadata) > 0 {
		md = metadata.Pairs(r.Metadata...)
		ctx = traceparent.Extract(metadata.NewIncomingContext(ctx, md))
	}
	reply, err := l.methods.Call(ctx, r.Method, md, func(into any) error {
		in, isMessage := into.(proto.Message)
		if !isMessage {
			return status.Errorf(codes.Internal, "%T is no message", into)
		}
		if err := proto.Unmarshal(r.Message, in); err != nil {
			return status.Errorf(codes.Internal, "the request cannot be decoded: %v", err)
		}
		return nil
	})
	if err != nil {
		return failure(err), false
	}
	out, isMessage := reply.(proto.Message)
	if !isMessage {
		return failure(status.Errorf(codes.Internal, "%T is no message", reply)), false
	}
	if message, err = proto.Marshal(out); err != nil {
		return failure(status.Errorf(codes.Internal, "the answer cannot be encoded: %v", err)), false
	}
	return message, true
}

// failure is an error as it travels.
func failure(err error) []byte {
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err) // as gRPC does; Unknown for any other
	}
	if s.Code() == codes.OK {
		s = status.New(codes.Unknown, err.Error())
	}
	text, marshalErr := proto.Marshal(s.Proto())
	if marshalErr != nil {
		text, _ = proto.Marshal(status.New(s.Code(), "the error is not valid UTF-8").Proto())
	}
	return text
}
