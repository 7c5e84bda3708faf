package plugin

import (
	"google.golang.org/grpc"

	"github.com/roster-go/roster/plugin/internal/handshake"
)

// dialOptions are what every connection to a provider has, and more: the record of how
// far each call got, no rest when nobody calls, and the limit of messages.
func dialOptions(more ...grpc.DialOption) []grpc.DialOption {
	return append([]grpc.DialOption{
		grpc.WithStatsHandler(outcomeRecorder{}),
		grpc.WithIdleTimeout(0),
		grpc.WithDefaultCallOptions(
			grpc.MaxCallRecvMsgSize(handshake.MaxMessage), grpc.MaxCallSendMsgSize(handshake.MaxMessage)),
	}, more...)
}
