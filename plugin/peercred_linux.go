package plugin

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// mutualTLS says whether host and plugin need it to know each other. Here the socket
// is in a folder that nobody else may enter, and the kernel tells whose it is.
const mutualTLS = false

// checkPeer sees to it that a process of the plugin's group listens behind a
// connection: that is what the kernel remembers of the moment when it began to.
func (r *processRunner) checkPeer(conn net.Conn) error {
	peer, err := credentialsOf(conn)
	if err != nil {
		return err
	}
	if int(peer.Pid) == r.pid() {
		return nil
	}
	if group, err := unix.Getpgid(int(peer.Pid)); err != nil || group != r.pid() {
		return fmt.Errorf("process %d, which is none of the plugin's, listens on its socket", peer.Pid)
	}
	return nil
}

// checkOwner sees to it that a process of the host's own user listens behind a
// connection.
func checkOwner(conn net.Conn) error {
	peer, err := credentialsOf(conn)
	if err != nil {
		return err
	}
	if int(peer.Uid) != os.Geteuid() {
		return fmt.Errorf("process %d of user %d, who is another one, listens on the socket", peer.Pid, peer.Uid)
	}
	return nil
}

// credentialsOf is who listens behind a connection.
func credentialsOf(conn net.Conn) (*unix.Ucred, error) {
	unixConn, ok := conn.(syscall.Conn)
	if !ok {
		return nil, errors.New("the connection is not one that the kernel vouches for")
	}
	raw, err := unixConn.SyscallConn()
	if err != nil {
		return nil, fmt.Errorf("the listener's identity: %w", err)
	}
	var peer *unix.Ucred
	var peerErr error
	if err := raw.Control(func(fd uintptr) { peer, peerErr = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil || peerErr != nil {
		return nil, fmt.Errorf("the listener's identity: %w", errors.Join(err, peerErr))
	}
	return peer, nil
}
