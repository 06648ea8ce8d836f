use tokio::sync::watch;

/// Becomes true at the first Ctrl-C or SIGTERM. From then on the signals have their usual effect
/// again, so that a second Ctrl-C ends the process at once: the journal holds what was done.
pub(super) fn stop_signal() -> watch::Receiver<bool> {
    let (sender, receiver) = watch::channel(false);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else {
            return;
        };
        runtime.block_on(async {
            asked_to_stop().await;
            let _ = sender.send(true);
            asked_to_stop().await;
            super::terminal::error("stopped at once; resume goes on");
            std::process::exit(i32::from(crate::model::Exit::Interrupted.code()));
        });
    });
    receiver
}

/// Waits for Ctrl-C or, where there is such a thing, SIGTERM.
pub(super) async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}
