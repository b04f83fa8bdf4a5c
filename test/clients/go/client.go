// Command client is as ../c/client.c, by Go's net and net/http. GODEBUG=netdns=go or netdns=cgo chooses the resolver.
package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	name, port, family := os.Args[1], os.Args[2], os.Args[3]
	network := map[string]string{"any": "ip", "4": "ip4", "6": "ip6"}[family]
	limit, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	addresses, err := net.DefaultResolver.LookupIP(limit, network, name)
	for _, address := range addresses {
		fmt.Println("address", address)
	}
	if err == nil && port != "0" {
		err = call(limit, name, port)
	}
	if err != nil {
		fmt.Println("error", err)
	}
}

func call(limit context.Context, name, port string) error {
	at := net.JoinHostPort(name, port)
	if port == "7000" {
		connection, err := (&net.Dialer{}).DialContext(limit, "tcp", at)
		if err != nil {
			return err
		}
		defer connection.Close()
		line, err := bufio.NewReader(connection).ReadString('\n')
		fmt.Println("answer", strings.TrimSpace(line))
		return err
	}
	request, err := http.NewRequestWithContext(limit, http.MethodGet, "http://"+at+"/", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	fmt.Println("answer", response.Proto, response.Status)
	return nil
}
