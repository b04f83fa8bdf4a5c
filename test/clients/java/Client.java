import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;

/** As ../c/client.c, by java.net.InetAddress and java.net.http. */
final class Client {
    public static void main(String[] arguments) throws InterruptedException {
        String name = arguments[0];
        int port = Integer.parseInt(arguments[1]);
        try {
            for (InetAddress address : InetAddress.getAllByName(name)) {
                if (wanted(address, arguments[2])) System.out.println("address " + address.getHostAddress());
            }
            if (port == 7000) greet(name, port);
            else if (port != 0) call(name, port);
        } catch (IOException error) {
            System.out.println("error " + error);
        }
    }

    private static boolean wanted(InetAddress address, String family) {
        if (family.equals("4")) return address instanceof Inet4Address;
        return family.equals("any") || address instanceof Inet6Address;
    }

    private static void greet(String name, int port) throws IOException {
        try (Socket socket = new Socket(name, port)) {
            System.out.println("answer " + new BufferedReader(new InputStreamReader(socket.getInputStream())).readLine());
        }
    }

    private static void call(String name, int port) throws IOException, InterruptedException {
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://" + name + ":" + port + "/")).build();
        System.out.println("answer HTTP/1.1 " + client.send(request, BodyHandlers.ofString()).statusCode());
    }
}
