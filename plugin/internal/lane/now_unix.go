//go:build unix

package lane

import "syscall"

// writeNow writes what the socket takes without waiting.
func writeNow(fd uintptr, data []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), data)
		switch err {
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return n, err //nolint:wrapcheck // it only says that the connection has ended
		}
	}
}
