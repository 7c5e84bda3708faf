// Package streamer is a gRPC service with one bidirectional method, written by
// hand over well-known messages.
package streamer

import (
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Name is the full name of the service.
const Name = "test.v1.Streamer"

// ChatMethod is the full name of its method.
const ChatMethod = "/" + Name + "/Chat"

// Server is the service.
type Server interface {
	Chat(stream ChatServer) error
}

// ChatServer is the server's end of a chat.
type ChatServer struct{ grpc.ServerStream }

// Recv receives one text.
func (s ChatServer) Recv() (string, error) {
	var m wrapperspb.StringValue
	err := s.RecvMsg(&m)
	return m.GetValue(), err
}

// Send sends one text.
func (s ChatServer) Send(text string) error { return s.SendMsg(wrapperspb.String(text)) }

// ServiceDesc describes the service to gRPC.
var ServiceDesc = grpc.ServiceDesc{
	ServiceName: Name,
	HandlerType: (*Server)(nil),
	Streams: []grpc.StreamDesc{{
		StreamName: "Chat",
		Handler: func(srv any, stream grpc.ServerStream) error {
			return srv.(Server).Chat(ChatServer{stream}) //nolint:forcetypeassert // gRPC has checked HandlerType
		},
		ServerStreams: true,
		ClientStreams: true,
	}},
}
