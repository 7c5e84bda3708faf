package plugin

import (
	"bytes"
	"context"
	"io"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"
)

// followOutput logs what a plugin writes to the os.Stdout and os.Stderr that
// go-plugin has put in place of the real ones. Without a reader the plugin
// would block once the pipe behind them is full.
//
// The messages are taken apart by hand because go-plugin keeps the generated
// code to itself: field 1 is the stream, 1 for stdout and 2 for stderr, and
// field 2 is data.
func followOutput(ctx context.Context, conn *grpc.ClientConn, output *lineLog) {
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/plugin.GRPCStdio/StreamStdio", grpc.ForceCodecV2(Codec()))
	if err != nil {
		return
	}
	if stream.SendMsg(&frame{}) != nil || stream.CloseSend() != nil {
		return
	}
	writers := map[uint64]*io.PipeWriter{}
	done := make(chan struct{})
	running := 0
	for channel, name := range map[uint64]string{1: "stdout", 2: "stderr"} {
		r, w := io.Pipe()
		writers[channel] = w
		running++
		go func() {
			output.pump(r, name)
			done <- struct{}{}
		}()
	}
	for {
		var f frame
		if stream.RecvMsg(&f) != nil {
			break
		}
		channel, data := parseStdio(f.data.Materialize())
		f.data.Free()
		if w := writers[channel]; w != nil {
			_, _ = io.Copy(w, bytes.NewReader(data))
		}
	}
	for _, w := range writers {
		_ = w.Close()
	}
	for range running {
		<-done
	}
}

func parseStdio(message []byte) (channel uint64, data []byte) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return 0, nil
		}
		message = message[n:]
		switch {
		case number == 1 && kind == protowire.VarintType:
			channel, n = protowire.ConsumeVarint(message)
		case number == 2 && kind == protowire.BytesType:
			data, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return 0, nil
		}
		message = message[n:]
	}
	return channel, data
}
