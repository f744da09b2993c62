// Go's TLS: a server that turns lines around, and a client that asks it to.
//
//	reverse serve PORT CERTIFICATE KEY
//	reverse ask ADDRESS PORT NAME AUTHORITY LINE
package main

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"net"
	"os"
	"time"
)

func main() {
	var err error
	if arguments := os.Args[2:]; os.Args[1] == "serve" {
		err = serve(arguments[0], arguments[1], arguments[2])
	} else {
		err = ask(arguments[0], arguments[1], arguments[2], arguments[3], arguments[4])
	}
	if err != nil {
		log.Fatal(err)
	}
}

func serve(port, certificate, key string) error {
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	listener, err := tls.Listen("tcp", ":"+port, config)
	if err != nil {
		return err
	}
	log.Print("listening")
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go turn(connection)
	}
}

func turn(connection net.Conn) {
	defer connection.Close()
	lines := bufio.NewScanner(connection)
	for lines.Scan() && lines.Text() != "CLOSE" {
		text := []byte(lines.Text())
		for i, j := 0, len(text)-1; i < j; i, j = i+1, j-1 {
			text[i], text[j] = text[j], text[i]
		}
		connection.Write(append(text, '\n'))
	}
}

func ask(address, port, name, authority, line string) error {
	pem, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	config := &tls.Config{ServerName: name, RootCAs: roots}
	connection, err := tls.DialWithDialer(dialer, "tcp", net.JoinHostPort(address, port), config)
	if err != nil {
		return err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintln(connection, line)
	answer, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		return err
	}
	fmt.Print(answer)
	_, err = fmt.Fprintln(connection, "CLOSE")
	return err
}
